//! A picture in memory: rectangles, lines, markers and text, written as PNG.

use crate::convert::{to_f32, to_index, to_u8};
use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use anyhow::{Context, Result};
use audiofile::Existing;
use std::path::Path;

/// Red, green, blue.
pub(super) type Colour = [u8; 3];

/// Alignment of text relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// Font of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// Ubuntu Light.
    Text,
    /// Hack, whose digits all have the same width.
    Numbers,
}

/// Shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Disc,
    Square,
    Diamond,
    Cross,
}

/// Text to draw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label<'a> {
    pub(super) text: &'a str,
    /// Position of the text in pixels; `y` is its middle.
    pub(super) at: (f32, f32),
    pub(super) align: Align,
    pub(super) face: Face,
    pub(super) size: f32,
    pub(super) colour: Colour,
}

/// An area in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

#[derive(Debug)]
pub(super) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
    text: FontRef<'static>,
    numbers: FontRef<'static>,
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize, background: Colour) -> Result<Self> {
        let font =
            |bytes| FontRef::try_from_slice(bytes).context("the fonts of epaint_default_fonts");
        Ok(Self {
            width,
            height,
            pixels: background.repeat(width * height),
            text: font(epaint_default_fonts::UBUNTU_LIGHT)?,
            numbers: font(epaint_default_fonts::HACK_REGULAR)?,
        })
    }

    /// Paints one pixel; pixels outside the picture are ignored.
    pub(super) fn set(&mut self, x: usize, y: usize, colour: Colour) {
        if x < self.width && y < self.height {
            let start = 3 * (y * self.width + x);
            self.pixels[start..start + 3].copy_from_slice(&colour);
        }
    }

    /// Mixes a colour into one pixel.
    pub(super) fn blend(&mut self, x: usize, y: usize, colour: Colour, cover: f32) {
        if x < self.width && y < self.height {
            let start = 3 * (y * self.width + x);
            for (old, new) in self.pixels[start..start + 3].iter_mut().zip(colour) {
                let mixed = f32::from(*old) * (1.0 - cover) + f32::from(new) * cover;
                *old = to_u8(f64::from(mixed));
            }
        }
    }

    pub(super) fn fill(&mut self, area: Area, colour: Colour) {
        for y in area.top..area.top + area.height {
            for x in area.left..area.left + area.width {
                self.set(x, y, colour);
            }
        }
    }

    /// Mixes a colour into an area.
    pub(super) fn shade(&mut self, area: Area, colour: Colour, cover: f32) {
        for y in area.top..area.top + area.height {
            for x in area.left..area.left + area.width {
                self.blend(x, y, colour, cover);
            }
        }
    }

    /// Paints every pixel near the bounds by the share of it that lies inside the shape. `distance`
    /// returns the distance of a point to the shape's edge in pixels, negative inside.
    fn shape(
        &mut self,
        ((left, top), (right, bottom)): ((f64, f64), (f64, f64)),
        (colour, cover): (Colour, f32),
        distance: impl Fn(f64, f64) -> f64,
    ) {
        for y in to_index(top - 1.0)..=to_index(bottom + 1.0) {
            for x in to_index(left - 1.0)..=to_index(right + 1.0) {
                let inside = (0.5 - distance(x as f64, y as f64)).clamp(0.0, 1.0);
                if inside > 0.0 {
                    self.blend(x, y, colour, cover * to_f32(inside));
                }
            }
        }
    }

    /// Draws a marker of `radius` pixels around a point.
    pub(super) fn marker(
        &mut self,
        marker: Marker,
        (x, y): (f64, f64),
        radius: f64,
        paint: (Colour, f32),
    ) {
        let bounds = ((x - radius, y - radius), (x + radius, y + radius));
        self.shape(bounds, paint, |px, py| {
            let (across, down) = ((px - x).abs(), (py - y).abs());
            match marker {
                Marker::Disc => across.hypot(down) - radius,
                Marker::Square => across.max(down) - 0.85 * radius,
                Marker::Diamond => (across + down - 1.2 * radius) / std::f64::consts::SQRT_2,
                Marker::Cross => {
                    let arm = (across - down).abs() / std::f64::consts::SQRT_2 - 0.3 * radius;
                    arm.max(across.max(down) - radius)
                }
            }
        });
    }

    /// Draws a straight line with round ends.
    pub(super) fn segment(
        &mut self,
        from: (f64, f64),
        to: (f64, f64),
        width: f64,
        paint: (Colour, f32),
    ) {
        let bounds = (
            (from.0.min(to.0) - width, from.1.min(to.1) - width),
            (from.0.max(to.0) + width, from.1.max(to.1) + width),
        );
        let (along, down) = (to.0 - from.0, to.1 - from.1);
        let length = along.hypot(down).max(1e-9);
        self.shape(bounds, paint, |px, py| {
            let share = ((px - from.0) * along + (py - from.1) * down) / (length * length);
            let share = share.clamp(0.0, 1.0);
            (px - from.0 - share * along).hypot(py - from.1 - share * down) - width / 2.0
        });
    }

    /// Draws text and returns its width.
    pub(super) fn label(&mut self, label: Label<'_>) -> f32 {
        let font = match label.face {
            Face::Text => self.text.clone(),
            Face::Numbers => self.numbers.clone(),
        };
        let scaled = font.as_scaled(PxScale::from(label.size));
        let mut glyphs = Vec::new();
        let mut pen = 0.0;
        let mut previous = None;
        for character in label.text.chars() {
            let id = scaled.glyph_id(character);
            if let Some(previous) = previous {
                pen += scaled.kern(previous, id);
            }
            glyphs.push((id, pen));
            pen += scaled.h_advance(id);
            previous = Some(id);
        }
        let left = match label.align {
            Align::Left => label.at.0,
            Align::Centre => label.at.0 - pen / 2.0,
            Align::Right => label.at.0 - pen,
        };
        // The base line lies half the height of capitals below the middle.
        let base = label.at.1 + 0.36 * label.size * 0.93;
        for (id, x) in glyphs {
            let glyph = id.with_scale_and_position(label.size, ab_glyph::point(left + x, base));
            if let Some(outline) = font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                outline.draw(|x, y, cover| {
                    let px = f64::from(bounds.min.x) + f64::from(x);
                    let py = f64::from(bounds.min.y) + f64::from(y);
                    if px >= 0.0 && py >= 0.0 {
                        self.blend(to_index(px), to_index(py), label.colour, cover.min(1.0));
                    }
                });
            }
        }
        pen
    }

    /// Returns the picture as the bytes of a PNG file.
    pub(super) fn png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder =
            png::Encoder::new(&mut bytes, u32::try_from(self.width)?, u32::try_from(self.height)?);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        let mut writer = encoder.write_header().context("writing PNG")?;
        writer.write_image_data(&self.pixels).context("writing PNG")?;
        writer.finish().context("writing PNG")?;
        Ok(bytes)
    }

    /// Writes the picture as PNG. The file is written whole or not at all.
    pub(super) fn save(&self, path: &Path) -> Result<()> {
        Ok(audiofile::write_whole(path, &self.png()?, Existing::Replace)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(canvas: &Canvas, x: usize, y: usize) -> Colour {
        let start = 3 * (y * canvas.width + x);
        [canvas.pixels[start], canvas.pixels[start + 1], canvas.pixels[start + 2]]
    }

    #[test]
    fn areas_are_filled_to_their_edges_and_not_beyond() {
        let mut canvas = Canvas::new(10, 8, [9, 9, 9]).unwrap();
        canvas.fill(Area { left: 2, top: 3, width: 4, height: 20 }, [200, 100, 0]);
        assert_eq!(pixel(&canvas, 2, 3), [200, 100, 0]);
        assert_eq!(pixel(&canvas, 5, 7), [200, 100, 0]);
        assert_eq!([pixel(&canvas, 1, 3), pixel(&canvas, 6, 3), pixel(&canvas, 2, 2)], [[9; 3]; 3]);
        canvas.blend(0, 0, [109, 9, 9], 0.5);
        assert_eq!(pixel(&canvas, 0, 0), [59, 9, 9]);
    }

    #[test]
    fn markers_and_lines_are_where_they_were_asked_for() {
        for marker in [Marker::Disc, Marker::Square, Marker::Diamond, Marker::Cross] {
            let mut canvas = Canvas::new(40, 40, [0; 3]).unwrap();
            canvas.marker(marker, (20.0, 12.0), 6.0, ([200; 3], 1.0));
            assert_eq!(pixel(&canvas, 20, 12), [200; 3], "{marker:?}");
            let lit = |(x, y): (usize, usize)| pixel(&canvas, x, y)[0] > 0;
            let all: Vec<_> =
                (0..1_600).map(|place| (place % 40, place / 40)).filter(|&at| lit(at)).collect();
            assert!((30..150).contains(&all.len()), "{marker:?}: {}", all.len());
            assert!(all.iter().all(|&(x, y)| (12..=28).contains(&x) && (4..=20).contains(&y)));
        }
        let mut canvas = Canvas::new(40, 40, [0; 3]).unwrap();
        canvas.segment((5.0, 5.0), (30.0, 15.0), 2.0, ([200; 3], 0.5));
        assert_eq!(
            [pixel(&canvas, 5, 5), pixel(&canvas, 15, 9), pixel(&canvas, 30, 15)],
            [[100; 3]; 3]
        );
        assert_eq!([pixel(&canvas, 5, 12), pixel(&canvas, 32, 16)], [[0; 3]; 2]);
    }

    #[test]
    fn text_is_drawn_where_it_was_asked_for() {
        let mut canvas = Canvas::new(200, 40, [0; 3]).unwrap();
        let label = Label {
            text: "1 kHz",
            at: (190.0, 20.0),
            align: Align::Right,
            face: Face::Numbers,
            size: 20.0,
            colour: [255; 3],
        };
        let width = canvas.label(label);
        assert!((40.0..80.0).contains(&width), "{width}");
        let lit: Vec<(usize, usize)> = (0..40)
            .flat_map(|y| (0..200).map(move |x| (x, y)))
            .filter(|&(x, y)| pixel(&canvas, x, y)[0] > 128)
            .collect();
        assert!(lit.len() > 60, "{} pixels", lit.len());
        assert!(lit.iter().all(|&(x, y)| (110..190).contains(&x) && (8..32).contains(&y)));
    }

    #[test]
    fn the_file_decodes_to_the_same_picture() {
        let mut canvas = Canvas::new(7, 5, [1, 2, 3]).unwrap();
        canvas.set(6, 4, [250, 0, 9]);
        let bytes = canvas.png().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, canvas.pixels);
    }
}
