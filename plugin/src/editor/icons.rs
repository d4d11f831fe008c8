//! Pictures of instruments, drawn in lines on a square of 24 by 24.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, pos2};

use crate::params::Instrument;

/// One stroke of a picture.
#[derive(Clone, Copy, Debug)]
enum Mark {
    Line(&'static [(f32, f32)]),
    /// Centre and radii.
    Oval(f32, f32, f32, f32),
    Dot(f32, f32, f32),
}

use Mark::{Dot, Line, Oval};

const MIC: &[Mark] = &[
    Line(&[
        (9.0, 12.0),
        (9.0, 6.5),
        (10.0, 4.5),
        (12.0, 3.5),
        (14.0, 4.5),
        (15.0, 6.5),
        (15.0, 12.0),
        (14.0, 14.0),
        (12.0, 15.0),
        (10.0, 14.0),
        (9.0, 12.0),
    ]),
    Line(&[
        (6.0, 11.0),
        (6.5, 14.5),
        (9.0, 17.5),
        (12.0, 18.0),
        (15.0, 17.5),
        (17.5, 14.5),
        (18.0, 11.0),
    ]),
    Line(&[(12.0, 18.0), (12.0, 21.0)]),
    Line(&[(8.5, 21.0), (15.5, 21.0)]),
];
const KICK: &[Mark] = &[
    Oval(12.0, 12.0, 8.5, 8.5),
    Oval(12.0, 12.0, 3.0, 3.0),
    Line(&[(6.0, 18.5), (4.0, 21.5)]),
    Line(&[(18.0, 18.5), (20.0, 21.5)]),
];
const SNARE: &[Mark] = &[
    Oval(12.0, 9.0, 8.5, 3.0),
    Line(&[
        (3.5, 9.0),
        (3.5, 15.0),
        (5.5, 17.0),
        (12.0, 18.2),
        (18.5, 17.0),
        (20.5, 15.0),
        (20.5, 9.0),
    ]),
    Line(&[(7.0, 12.0), (7.0, 17.2)]),
    Line(&[(12.0, 12.2), (12.0, 18.0)]),
    Line(&[(17.0, 12.0), (17.0, 17.2)]),
];
const HIHAT: &[Mark] = &[
    Line(&[(2.5, 9.5), (9.0, 8.0), (12.0, 6.5), (15.0, 8.0), (21.5, 9.5), (2.5, 9.5)]),
    Line(&[(2.5, 12.0), (21.5, 12.0), (15.0, 13.2), (12.0, 14.5), (9.0, 13.2), (2.5, 12.0)]),
    Line(&[(12.0, 3.0), (12.0, 6.5)]),
    Line(&[(12.0, 14.5), (12.0, 21.0)]),
    Line(&[(8.0, 21.0), (16.0, 21.0)]),
];
const TOM: &[Mark] = &[
    Oval(12.0, 7.0, 7.5, 2.8),
    Line(&[
        (4.5, 7.0),
        (4.5, 16.5),
        (7.0, 18.8),
        (12.0, 19.6),
        (17.0, 18.8),
        (19.5, 16.5),
        (19.5, 7.0),
    ]),
];
const CYMBAL: &[Mark] = &[
    Line(&[
        (2.5, 11.0),
        (9.0, 8.5),
        (12.0, 6.5),
        (15.5, 7.3),
        (21.5, 6.5),
        (15.0, 9.8),
        (9.0, 11.5),
        (2.5, 11.0),
    ]),
    Line(&[(12.0, 11.0), (12.0, 21.0)]),
    Line(&[(8.0, 21.0), (16.0, 21.0)]),
];
const OVERHEAD: &[Mark] = &[
    Line(&[(3.5, 4.0), (20.5, 4.0)]),
    Line(&[(7.0, 4.0), (7.0, 8.0)]),
    Line(&[(17.0, 4.0), (17.0, 8.0)]),
    Line(&[(5.2, 8.0), (8.8, 8.0), (8.8, 14.5), (5.2, 14.5), (5.2, 8.0)]),
    Line(&[(15.2, 8.0), (18.8, 8.0), (18.8, 14.5), (15.2, 14.5), (15.2, 8.0)]),
    Line(&[(4.5, 20.0), (19.5, 20.0)]),
];
const ROOM: &[Mark] = &[
    Line(&[(3.5, 20.0), (3.5, 10.0), (12.0, 3.5), (20.5, 10.0), (20.5, 20.0), (3.5, 20.0)]),
    Oval(12.0, 13.5, 2.6, 2.6),
];
const PERCUSSION: &[Mark] = &[
    Oval(8.0, 9.0, 5.0, 5.0),
    Line(&[(11.5, 12.5), (14.0, 20.5)]),
    Oval(17.0, 7.0, 3.4, 3.4),
    Line(&[(17.0, 10.4), (15.0, 20.5)]),
];
const GUITAR: &[Mark] = &[
    Oval(8.0, 16.0, 5.2, 4.8),
    Oval(8.0, 16.0, 1.5, 1.5),
    Line(&[(11.5, 12.5), (19.0, 5.0)]),
    Line(&[(17.5, 3.2), (21.0, 6.5)]),
];
const BASS: &[Mark] = &[
    Oval(7.5, 16.5, 4.6, 4.2),
    Line(&[(10.6, 13.4), (20.5, 3.5)]),
    Line(&[(17.5, 4.0), (18.5, 7.0)]),
    Line(&[(19.8, 2.2), (21.8, 4.6)]),
];
const PIANO: &[Mark] = &[
    Line(&[(3.5, 5.0), (20.5, 5.0), (20.5, 19.0), (3.5, 19.0), (3.5, 5.0)]),
    Line(&[(7.75, 13.0), (7.75, 19.0)]),
    Line(&[(12.0, 13.0), (12.0, 19.0)]),
    Line(&[(16.25, 13.0), (16.25, 19.0)]),
    Line(&[(6.5, 5.0), (6.5, 13.0), (9.0, 13.0), (9.0, 5.0)]),
    Line(&[(15.0, 5.0), (15.0, 13.0), (17.5, 13.0), (17.5, 5.0)]),
];
const KEYS: &[Mark] = &[
    Line(&[(2.5, 9.0), (21.5, 9.0), (21.5, 17.0), (2.5, 17.0), (2.5, 9.0)]),
    Line(&[(6.3, 12.5), (6.3, 17.0)]),
    Line(&[(10.1, 12.5), (10.1, 17.0)]),
    Line(&[(13.9, 12.5), (13.9, 17.0)]),
    Line(&[(17.7, 12.5), (17.7, 17.0)]),
    Dot(5.0, 6.0, 0.9),
    Dot(9.0, 6.0, 0.9),
];
const STRINGS: &[Mark] = &[
    Oval(9.0, 17.0, 4.6, 4.0),
    Oval(11.5, 11.8, 3.3, 3.0),
    Line(&[(13.0, 10.0), (19.5, 3.5)]),
    Line(&[(5.0, 9.0), (19.5, 19.5)]),
];
const BRASS: &[Mark] = &[
    Line(&[
        (2.5, 12.0),
        (14.0, 12.0),
        (18.0, 10.0),
        (21.5, 6.0),
        (21.5, 18.0),
        (18.0, 14.0),
        (14.0, 12.0),
    ]),
    Line(&[(6.0, 12.0), (6.0, 16.5), (13.0, 16.5), (13.0, 12.0)]),
    Line(&[(7.5, 8.5), (7.5, 12.0)]),
    Line(&[(9.8, 8.5), (9.8, 12.0)]),
    Line(&[(12.1, 8.5), (12.1, 12.0)]),
];
const WOODWIND: &[Mark] = &[
    Line(&[(3.0, 18.5), (5.5, 21.0), (21.0, 5.5), (18.5, 3.0), (3.0, 18.5)]),
    Dot(8.5, 15.5, 1.0),
    Dot(11.3, 12.7, 1.0),
    Dot(14.1, 9.9, 1.0),
    Dot(16.9, 7.1, 1.0),
];
const OTHER: &[Mark] = &[Line(&[
    (3.0, 12.0),
    (6.0, 12.0),
    (8.0, 6.0),
    (11.0, 18.0),
    (14.0, 8.0),
    (16.5, 14.5),
    (18.0, 12.0),
    (21.0, 12.0),
])];

fn marks(instrument: Instrument) -> &'static [Mark] {
    match instrument {
        Instrument::Other => OTHER,
        Instrument::Kick => KICK,
        Instrument::Snare => SNARE,
        Instrument::HiHat => HIHAT,
        Instrument::Tom => TOM,
        Instrument::Ride | Instrument::Cymbals => CYMBAL,
        Instrument::Overhead => OVERHEAD,
        Instrument::Room => ROOM,
        Instrument::Percussion => PERCUSSION,
        Instrument::Vocal => MIC,
        Instrument::Guitar => GUITAR,
        Instrument::Bass => BASS,
        Instrument::Piano => PIANO,
        Instrument::Keys => KEYS,
        Instrument::Strings => STRINGS,
        Instrument::Brass => BRASS,
        Instrument::Woodwind => WOODWIND,
    }
}

/// Draws an instrument into the largest square in `rect`.
pub(super) fn draw(painter: &Painter, rect: Rect, instrument: Instrument, colour: Color32) {
    let side = rect.width().min(rect.height());
    let square = Rect::from_center_size(rect.center(), [side, side].into());
    let unit = side / 24.0;
    let place = |(x, y): (f32, f32)| -> Pos2 { square.min + unit * pos2(x, y).to_vec2() };
    let stroke = Stroke::new(f32::max(1.5 * unit, 1.0), colour);
    for mark in marks(instrument) {
        match *mark {
            Line(points) => {
                let points = points.iter().map(|&point| place(point)).collect();
                painter.add(Shape::line(points, stroke));
            }
            Oval(x, y, width, height) => {
                let around = (0..=32).map(|n| {
                    let angle = std::f32::consts::TAU * n as f32 / 32.0;
                    place((x + width * angle.cos(), y + height * angle.sin()))
                });
                painter.add(Shape::line(around.collect(), stroke));
            }
            Dot(x, y, radius) => {
                painter.circle_filled(place((x, y)), radius * unit, colour);
            }
        }
    }
}
