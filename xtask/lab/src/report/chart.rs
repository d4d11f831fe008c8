//! Charts: points and lines of several series over two axes, with a legend.

use super::canvas::{Align, Area, Canvas, Colour, Face, Label, Marker};
use crate::convert::{to_f32, to_index};
use anyhow::Result;
use std::path::Path;

/// Points of one series, and its line if it has one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
    pub(crate) line: Vec<(f64, f64)>,
}

/// Content of a chart.
#[derive(Clone, Debug)]
pub(crate) struct Chart<'a> {
    pub(crate) title: &'a str,
    pub(crate) subtitle: &'a str,
    /// Quantities on the axes, with units.
    pub(crate) x_label: &'a str,
    pub(crate) y_label: &'a str,
    pub(crate) series: &'a [Series],
    /// True if the x axis counts something and has whole numbers only.
    pub(crate) counts: bool,
}

const SIZE: (usize, usize) = (1_500, 940);
const PLOT: Area = Area { left: 120, top: 130, width: 1_050, height: 700 };
const LEGEND_LEFT: f64 = 1_205.0;
const PAPER: Colour = [250, 250, 248];
const INK: Colour = [28, 28, 34];
const GREY: Colour = [110, 110, 120];
const GRID: Colour = [226, 226, 224];
const RADIUS: f64 = 6.0;
/// Limits of the y axis. Values beyond are drawn at the edge, so that one ruined mic does not
/// squeeze all others.
const Y_LIMITS: (f64, f64) = (-30.0, 40.0);

/// Twelve colours that are distinct on white. Together with the markers, which shift with every
/// round of colours, they are distinct for most colour-blind readers too.
const COLOURS: [Colour; 12] = [
    [31, 119, 180],
    [214, 72, 32],
    [44, 140, 60],
    [148, 92, 178],
    [222, 150, 20],
    [24, 165, 165],
    [200, 60, 130],
    [120, 86, 70],
    [90, 100, 220],
    [130, 150, 30],
    [80, 80, 90],
    [230, 110, 110],
];
const MARKERS: [Marker; 4] = [Marker::Disc, Marker::Diamond, Marker::Square, Marker::Cross];

/// One axis: its ends and its steps.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// Returns an axis with round ends around all values and about `wanted` steps of 1, 2 or 5
    /// times a power of ten.
    fn around(values: impl Iterator<Item = f64>, wanted: f64, counts: bool) -> Self {
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (v.min(l), v.max(h)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        if counts {
            let step = ((high - low) / 16.0).ceil().max(1.0);
            return Self { low: low - 0.5, high: high + 0.5, step };
        }
        let span = (high - low).max(1e-3 * high.abs()).max(1e-6);
        let power = 10.0_f64.powf((span / wanted).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|factor| factor * power)
            .into_iter()
            .find(|step| span / step <= wanted)
            .unwrap_or(10.0 * power);
        // The margin keeps markers off the edge.
        let room = 0.02 * span;
        Self {
            low: ((low - room) / step).floor() * step,
            high: ((high + room) / step).ceil() * step,
            step,
        }
    }

    /// Returns the relative position of a value: 0 at the low end, 1 at the high end.
    fn share(self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    fn ticks(self) -> Vec<f64> {
        let first = (self.low / self.step - 1e-9).ceil();
        let count = to_index(((self.high / self.step + 1e-9).floor() - first).max(0.0));
        (0..=count).map(|index| (first + index as f64) * self.step).collect()
    }

    fn text(self, value: f64) -> String {
        let decimals = to_index((-self.step.log10()).ceil().max(0.0));
        // Adding 0 removes the sign of -0.
        format!("{:.decimals$}", (value / self.step).round() * self.step + 0.0)
    }
}

impl Chart<'_> {
    /// Draws the chart into a PNG file.
    pub(crate) fn draw(&self, path: &Path) -> Result<()> {
        let all = || self.series.iter().flat_map(|s| s.points.iter().chain(&s.line));
        let x = Axis::around(all().map(|point| point.0), 12.0, self.counts);
        let within = |value: f64| value.clamp(Y_LIMITS.0, Y_LIMITS.1);
        let values = all().map(|point| within(point.1)).chain(std::iter::once(0.0));
        let y = Axis::around(values, 10.0, false);
        let at = |(px, py): (f64, f64)| {
            let across = PLOT.left as f64 + x.share(px) * PLOT.width as f64;
            let down = PLOT.top as f64 + (1.0 - y.share(within(py))) * PLOT.height as f64;
            (across, down)
        };
        let mut canvas = Canvas::new(SIZE.0, SIZE.1, PAPER)?;
        self.axes(&mut canvas, x, y);
        for (index, series) in self.series.iter().enumerate() {
            let (colour, marker) = look(index);
            // Points that accompany a line are fainter.
            let cover = if series.line.is_empty() { 0.8 } else { 0.45 };
            let aside = if self.counts { self.aside(index) } else { 0.0 };
            for &(px, py) in &series.points {
                canvas.marker(marker, at((px + aside, py)), RADIUS, (colour, cover));
            }
        }
        for (index, series) in self.series.iter().enumerate() {
            for pair in series.line.windows(2) {
                canvas.segment(at(pair[0]), at(pair[1]), 3.5, (look(index).0, 1.0));
            }
        }
        self.legend(&mut canvas);
        canvas.save(path)
    }

    /// Returns the offset of a series' points from a whole number, so that series do not overlap.
    fn aside(&self, index: usize) -> f64 {
        let width = 0.5 / self.series.len().max(4) as f64;
        width * (index as f64 - (self.series.len() as f64 - 1.0) / 2.0)
    }

    fn axes(&self, canvas: &mut Canvas, x: Axis, y: Axis) {
        let (left, top) = (PLOT.left as f64, PLOT.top as f64);
        let (width, height) = (PLOT.width as f64, PLOT.height as f64);
        text(canvas, self.title, (left, 36.0), (Align::Left, 34.0, INK));
        text(canvas, self.subtitle, (left, 74.0), (Align::Left, 21.0, GREY));
        text(canvas, self.y_label, (left - 84.0, top - 26.0), (Align::Left, 20.0, INK));
        let below = top + height + 74.0;
        text(canvas, self.x_label, (left + width / 2.0, below), (Align::Centre, 20.0, INK));
        for value in x.ticks() {
            let across = left + x.share(value) * width;
            canvas.segment((across, top), (across, top + height), 1.0, (GRID, 1.0));
            number(canvas, &x.text(value), (across, top + height + 24.0), Align::Centre);
        }
        for value in y.ticks() {
            let down = top + (1.0 - y.share(value)) * height;
            let (colour, thick) = if value.abs() < 1e-9 { (GREY, 2.0) } else { (GRID, 1.0) };
            canvas.segment((left, down), (left + width, down), thick, (colour, 1.0));
            number(canvas, &y.text(value), (left - 14.0, down), Align::Right);
        }
        let edge = (GREY, 1.0);
        canvas.segment((left, top), (left, top + height), 1.5, edge);
        canvas.segment((left, top + height), (left + width, top + height), 1.5, edge);
    }

    fn legend(&self, canvas: &mut Canvas) {
        for (index, series) in self.series.iter().enumerate() {
            let (colour, marker) = look(index);
            let down = PLOT.top as f64 + 12.0 + 34.0 * index as f64;
            if !series.line.is_empty() {
                let ends = ((LEGEND_LEFT - 4.0, down), (LEGEND_LEFT + 28.0, down));
                canvas.segment(ends.0, ends.1, 3.5, (colour, 1.0));
            }
            canvas.marker(marker, (LEGEND_LEFT + 12.0, down), RADIUS + 1.0, (colour, 1.0));
            text(canvas, &series.name, (LEGEND_LEFT + 40.0, down), (Align::Left, 20.0, INK));
        }
    }
}

/// Returns the colour and the marker of a series.
fn look(index: usize) -> (Colour, Marker) {
    (COLOURS[index % COLOURS.len()], MARKERS[(index / COLOURS.len() + index) % MARKERS.len()])
}

fn text(
    canvas: &mut Canvas,
    text: &str,
    at: (f64, f64),
    (align, size, colour): (Align, f32, Colour),
) {
    let at = (to_f32(at.0), to_f32(at.1));
    canvas.label(Label { text, at, align, face: Face::Text, size, colour });
}

fn number(canvas: &mut Canvas, text: &str, at: (f64, f64), align: Align) {
    let at = (to_f32(at.0), to_f32(at.1));
    canvas.label(Label { text, at, align, face: Face::Numbers, size: 17.0, colour: GREY });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_steps_around_all_values() {
        let axis = |values: &[f64]| Axis::around(values.iter().copied(), 10.0, false);
        let found = axis(&[-11.3, 24.0]);
        assert_eq!((found.low, found.high, found.step), (-15.0, 25.0, 5.0));
        assert_eq!(found.ticks().len(), 9);
        assert_eq!(found.text(-0.0), "0");
        let found = axis(&[0.21, 0.58]);
        assert_eq!((found.text(0.25), found.step), ("0.25".to_owned(), 0.05));
        let same = axis(&[3.0, 3.0]);
        assert!(same.low < 3.0 && same.high > 3.0);
        let none = axis(&[]);
        assert!(none.low < none.high);
        let counts = Axis::around([2.0, 8.0].into_iter(), 10.0, true);
        assert_eq!(counts.ticks(), [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    }

    #[test]
    fn points_are_drawn_at_their_values_and_outliers_at_the_edge() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let series = [
            Series { name: "a".to_owned(), points: vec![(0.0, 10.0)], line: Vec::new() },
            Series { name: "b".to_owned(), points: vec![(10.0, -90.0)], line: Vec::new() },
        ];
        let chart = Chart {
            title: "t",
            subtitle: "s",
            x_label: "x",
            y_label: "y",
            series: &series,
            counts: false,
        };
        chart.draw(&path).unwrap();
        let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        // x from -1 to 11 and y from -35 to 15, by the rule above.
        let x = Axis::around([0.0, 10.0].into_iter(), 12.0, false);
        let y = Axis::around([10.0, -30.0, 0.0].into_iter(), 10.0, false);
        for (point, index) in [((0.0, 10.0), 0), ((10.0, -30.0), 1)] {
            let across = PLOT.left + to_index(x.share(point.0) * PLOT.width as f64);
            let down = PLOT.top + to_index((1.0 - y.share(point.1)) * PLOT.height as f64);
            let start = 3 * (down * SIZE.0 + across);
            for (part, wanted) in pixels[start..start + 3].iter().zip(look(index).0) {
                assert!(part.abs_diff(wanted) < 60, "{point:?}: {:?}", &pixels[start..start + 3]);
            }
        }
    }
}
