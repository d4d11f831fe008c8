//! Colours, fonts and measures of the editor. Only elements with a meaning have a colour.

use std::sync::Arc;

use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align2, Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Galley,
    Painter, Rect, Rgba, Stroke, TextStyle, Theme, Visuals,
};

const fn rgb(hex: u32) -> Color32 {
    let [_, r, g, b] = hex.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

/// Background of the window.
pub(super) const BACKGROUND: Color32 = rgb(0x0014_161A);
/// Header, status line, popups.
pub(super) const PANEL: Color32 = rgb(0x001B_1E23);
/// Wells of meters, bars and cells.
pub(super) const WELL: Color32 = rgb(0x000E_1013);
/// Buttons.
pub(super) const BUTTON: Color32 = rgb(0x0026_2A31);
pub(super) const BUTTON_HOVERED: Color32 = rgb(0x0030_353D);
pub(super) const LINE: Color32 = rgb(0x0029_2D34);
pub(super) const TEXT: Color32 = rgb(0x00DA_DDE2);
/// Labels and less important text.
pub(super) const DIM: Color32 = rgb(0x0098_9FAA);
/// Faint lines and icons; too faint for text.
pub(super) const FAINT: Color32 = rgb(0x0052_5862);
/// The kept signal: clean signals, amounts, the selection.
pub(super) const KEEP: Color32 = rgb(0x0053_C2B0);
/// Bleed and removal: crosstalk, reduction, the removed signal.
pub(super) const BLEED: Color32 = rgb(0x00E9_A03F);
/// Warnings.
pub(super) const ALARM: Color32 = rgb(0x00EE_6352);

/// Groups A to H: equal lightness, and distinct from the two colours with a meaning of their own.
pub(super) const GROUPS: [Color32; 8] = [
    rgb(0x006A_9BE8),
    rgb(0x00B1_82E3),
    rgb(0x00DE_78B0),
    rgb(0x0078_BB6C),
    rgb(0x00C9_C05A),
    rgb(0x005C_B8D8),
    rgb(0x00D0_8770),
    rgb(0x0097_9FB8),
];

/// Corners of wells and buttons.
pub(super) const CORNER: CornerRadius = CornerRadius::same(3);

const SEMIBOLD: &str = "semibold";

pub(super) fn regular(size: f32) -> FontId {
    FontId::proportional(size)
}

pub(super) fn semibold(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(SEMIBOLD.into()))
}

/// Draws a line of text, cut with an ellipsis if it is too long.
pub(super) fn elided(
    painter: &Painter,
    rect: Rect,
    align: Align2,
    text: &str,
    font: FontId,
    ink: Color32,
) {
    let galley = elided_line(painter, rect.width(), text, font, ink);
    let at = align.align_size_within_rect(galley.size(), rect).min;
    painter.galley(at, galley, ink);
}

/// Lays out a line of text, cut with an ellipsis if it is wider than `width`.
pub(super) fn elided_line(
    painter: &Painter,
    width: f32,
    text: &str,
    font: FontId,
    ink: Color32,
) -> Arc<Galley> {
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, ink);
    job.wrap = TextWrapping::truncate_at_width(width);
    painter.layout_job(job)
}

/// Returns the colour between two colours, at the fraction `part`.
pub(super) fn blend(from: Color32, to: Color32, part: f32) -> Color32 {
    from.lerp_to_gamma(to, part.clamp(0.0, 1.0))
}

/// Least contrast of text, as WCAG 2.2 asks for in success criterion 1.4.3.
pub(super) const LEAST_CONTRAST: f32 = 4.5;

/// Returns the contrast of two opaque colours, 1 to 21, as WCAG 2.2 defines it.
pub(super) fn contrast(one: Color32, other: Color32) -> f32 {
    let luminance = |colour: Color32| {
        let [red, green, blue, _] = Rgba::from(colour).to_array();
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Returns `ink` if it is legible on `fill`, otherwise black or white.
pub(super) fn legible(ink: Color32, fill: Color32) -> Color32 {
    if contrast(ink, fill) >= LEAST_CONTRAST {
        return ink;
    }
    let [black, white] = [Color32::BLACK, Color32::WHITE];
    if contrast(black, fill) > contrast(white, fill) { black } else { white }
}

/// Sets the editor's fonts and style. A new context has no fonts.
pub(super) fn apply(context: &Context) {
    let mut fonts = FontDefinitions::empty();
    let mut add = |name: &str, data: &'static [u8]| {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(data)));
    };
    add("regular", include_bytes!("../../../assets/fonts/IBMPlexSans-Regular.ttf"));
    add(SEMIBOLD, include_bytes!("../../../assets/fonts/IBMPlexSans-SemiBold.ttf"));
    for (family, font) in [
        (FontFamily::Proportional, "regular"),
        (FontFamily::Monospace, "regular"),
        (FontFamily::Name(SEMIBOLD.into()), SEMIBOLD),
    ] {
        fonts.families.insert(family, vec![font.to_owned()]);
    }
    context.set_fonts(fonts);
    context.set_theme(Theme::Dark);
    context.style_mut_of(Theme::Dark, |style| {
        for (text, font) in &mut style.text_styles {
            *font = match text {
                TextStyle::Heading => semibold(16.0),
                TextStyle::Small => regular(11.0),
                _ => regular(13.0),
            };
        }
        style.visuals = visuals();
        style.spacing.item_spacing = [6.0, 6.0].into();
        style.spacing.button_padding = [8.0, 3.0].into();
        // The scroll bar is always visible, because it shows that there are more rows.
        style.spacing.scroll.floating_width = 4.0;
        style.spacing.scroll.dormant_handle_opacity = 0.5;
        style.interaction.selectable_labels = false;
        style.interaction.tooltip_delay = 0.35;
    });
}

fn visuals() -> Visuals {
    let mut visuals = Visuals::dark();
    visuals.override_text_color = Some(TEXT);
    visuals.panel_fill = BACKGROUND;
    visuals.window_fill = PANEL;
    visuals.window_stroke = Stroke::new(1.0, LINE);
    visuals.extreme_bg_color = WELL;
    visuals.selection.bg_fill = blend(PANEL, KEEP, 0.35);
    visuals.selection.stroke = Stroke::new(1.0, KEEP);
    let widgets = &mut visuals.widgets;
    for (style, fill, line) in [
        (&mut widgets.noninteractive, PANEL, LINE),
        (&mut widgets.inactive, BUTTON, BUTTON),
        (&mut widgets.hovered, BUTTON_HOVERED, FAINT),
        (&mut widgets.active, BUTTON_HOVERED, KEEP),
        (&mut widgets.open, BUTTON_HOVERED, LINE),
    ] {
        style.bg_fill = fill;
        style.weak_bg_fill = fill;
        style.bg_stroke = Stroke::new(1.0, line);
        style.fg_stroke = Stroke::new(1.0, TEXT);
        style.corner_radius = CORNER;
        style.expansion = 0.0;
    }
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrasts_are_those_of_the_standard() {
        // The extremes, and the two greys beside the limit that WCAG's authors name for white.
        for (ink, fill, expected) in [
            (Color32::WHITE, Color32::BLACK, 21.0),
            (Color32::BLACK, Color32::BLACK, 1.0),
            (Color32::from_gray(0x76), Color32::WHITE, 4.54),
            (Color32::WHITE, Color32::from_gray(0x77), 4.48),
        ] {
            let contrast = contrast(ink, fill);
            assert!((contrast - expected).abs() < 0.005, "{contrast} instead of {expected}");
        }
    }

    #[test]
    fn every_grey_has_a_legible_ink() {
        for grey in 0..=255 {
            let fill = Color32::from_gray(grey);
            assert!(contrast(legible(DIM, fill), fill) >= LEAST_CONTRAST, "{grey}");
        }
        assert_eq!(legible(DIM, BACKGROUND), DIM);
    }
}
