//! Usual properties of each kind of source: height, mic distance, mic position and radiation.

use super::vector::{plus, times, turned, unit};
use crate::random::Random;
use crate::room::{Directivity, Point};
use crate::scenes::recipe::Range;
use crate::scenes::sources::Family;

/// Usual properties of one family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// Height of the acoustic centre above the floor, in metres.
    pub(super) height_m: Range,
    /// Distance of the mic to the acoustic centre, in metres.
    pub(super) mic_m: Range,
    /// Elevation of the mic over the source's front: 0 in front, 1 straight above.
    pub(super) above: Range,
    /// Position of a second mic, if there is one.
    pub(super) second: Second,
}

/// Position of a second mic at the same source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Second {
    /// On the other side of the drum, usually with inverted polarity.
    Below,
    /// Further away, by this factor.
    Further(f64),
    /// Beside the first mic, as a pair.
    Pair,
}

/// Returns the usual properties of a family.
///
/// Drums, amps and voices are miked from a few centimetres, acoustic instruments from arm's length
/// to a metre.
///
/// Distances are measured to the acoustic centre, which lies inside the instrument. A mic 3 cm from
/// a drum's head or a loudspeaker's cloth is about twice as far from the acoustic centre.
pub(super) fn habits(family: Family) -> Habits {
    let habits = |height_m: (f64, f64), mic_m: (f64, f64), above: (f64, f64), second| Habits {
        height_m: Range::new(height_m.0, height_m.1),
        mic_m: Range::new(mic_m.0, mic_m.1),
        above: Range::new(above.0, above.1),
        second,
    };
    match family {
        Family::Kick => habits((0.28, 0.32), (0.06, 0.25), (0.0, 0.2), Second::Further(3.0)),
        Family::Snare => habits((0.62, 0.72), (0.06, 0.12), (0.5, 0.9), Second::Below),
        Family::HiHat => habits((0.85, 1.0), (0.08, 0.2), (0.7, 1.0), Second::Pair),
        Family::Tom => habits((0.65, 0.95), (0.06, 0.13), (0.5, 0.9), Second::Below),
        Family::Cymbal => habits((1.0, 1.4), (0.12, 0.35), (0.8, 1.0), Second::Pair),
        Family::Percussion => habits((0.5, 1.1), (0.08, 0.4), (0.2, 0.9), Second::Pair),
        Family::BassAmp => habits((0.3, 0.6), (0.05, 0.3), (0.0, 0.1), Second::Further(2.0)),
        Family::Amp => habits((0.3, 0.7), (0.04, 0.2), (0.0, 0.1), Second::Further(2.0)),
        Family::Plucked => habits((0.7, 0.95), (0.12, 0.5), (0.0, 0.4), Second::Pair),
        Family::Piano => habits((0.9, 1.1), (0.2, 0.7), (0.3, 0.9), Second::Pair),
        Family::HighString => habits((1.05, 1.5), (0.2, 1.0), (0.4, 0.9), Second::Pair),
        Family::LowString => habits((0.6, 0.9), (0.15, 0.8), (0.0, 0.3), Second::Pair),
        Family::Woodwind => habits((0.9, 1.4), (0.15, 0.8), (0.1, 0.6), Second::Further(2.0)),
        Family::Brass => habits((1.0, 1.5), (0.15, 0.9), (-0.1, 0.3), Second::Further(2.0)),
        Family::Voice => habits((1.2, 1.7), (0.04, 0.4), (-0.2, 0.3), Second::Further(2.0)),
    }
}

/// Factor on the mic distance of unamplified instruments beside drums or amplifiers.
pub(super) const NEARER_IN_A_BAND: f64 = 0.4;

/// True for families beside which unamplified instruments need nearer mics.
pub(super) fn is_loud(family: Family) -> bool {
    family.is_in_kit() || matches!(family, Family::BassAmp | Family::Amp)
}

/// Returns the directivity of a family.
pub(super) fn directivity(family: Family) -> Directivity {
    match family {
        Family::Kick | Family::Snare | Family::Tom => Directivity::Drum,
        Family::HiHat | Family::Cymbal => Directivity::Cymbal,
        // A mixed group of sources, struck from all sides.
        Family::Percussion | Family::Piano => Directivity::Omni,
        Family::BassAmp | Family::Amp => Directivity::Amp,
        Family::Plucked | Family::HighString | Family::LowString => Directivity::Bowed,
        Family::Woodwind => Directivity::Woodwind,
        Family::Brass => Directivity::Brass,
        Family::Voice => Directivity::Voice,
    }
}

/// Returns the direction in which a source radiates if its player faces `front`.
///
/// Drum heads and cymbals radiate upwards, the top plates of violins upwards and outwards, others
/// roughly in the direction that the player faces.
pub(super) fn radiates_to(family: Family, front: Point) -> Point {
    let level = unit([front[0], front[1], 0.0]);
    let rise: f64 = match family {
        Family::Snare | Family::Tom | Family::HiHat | Family::Cymbal => 1.5,
        Family::HighString => 1.0,
        Family::Plucked | Family::LowString => 0.1,
        Family::Woodwind => -0.3,
        Family::Brass => -0.1,
        _ => 0.0,
    };
    plus(times(level, rise.cos()), [0.0, 0.0, rise.sin()])
}

/// Usual positions of a kit's pieces, in metres, for common sizes of hi-hat, toms and so on.
///
/// The drummer is right-handed, sits at the origin and faces along y.
const KICK: Point = [0.12, 0.62, 0.3];
const SNARE: Point = [-0.12, 0.38, 0.67];
const HI_HAT: Point = [-0.52, 0.42, 0.93];
const TOMS: [Point; 4] =
    [[-0.08, 0.8, 0.92], [0.3, 0.78, 0.9], [0.58, 0.32, 0.68], [0.66, -0.12, 0.66]];
const RIDE: Point = [0.72, 0.68, 1.08];
const CRASHES: [Point; 3] = [[-0.42, 0.92, 1.34], [0.92, 1.0, 1.38], [1.05, 0.45, 1.3]];

/// Returns the positions of one drum kit's pieces, in the order of `members`; `None` for
/// other sources.
pub(super) fn kit_places(members: &[(&str, Family)], random: &mut Random) -> Vec<Option<Point>> {
    let scale = random.between(0.92, 1.12);
    let hand = if random.chance(0.1) { -1.0 } else { 1.0 };
    let (mut toms, mut crashes, mut others) = (0, 0, 0);
    let num_toms = members.iter().filter(|(_, family)| *family == Family::Tom).count();
    members
        .iter()
        .map(|&(name, family)| {
            let next = |used: &mut usize, places: &[Point]| {
                let place = places[*used % places.len()];
                // Pieces beyond the number of known positions are stacked 25 cm above them.
                let lifted = plus(place, [0.0, 0.0, 0.25 * (*used / places.len()) as f64]);
                *used += 1;
                lifted
            };
            let place = match family {
                Family::Kick => KICK,
                Family::Snare => SNARE,
                Family::HiHat => HI_HAT,
                // A single part for all toms sounds from their middle; a single tom hangs on
                // the rack.
                Family::Tom if num_toms == 1 && name.ends_with('s') => [0.2, 0.72, 0.86],
                Family::Tom => next(&mut toms, &TOMS),
                Family::Cymbal if name.contains("ride") => RIDE,
                Family::Cymbal => next(&mut crashes, &CRASHES),
                _ => return None,
            };
            let doubled = match family {
                Family::Kick | Family::Snare | Family::HiHat => {
                    let first = members.iter().find(|(_, other)| *other == family);
                    first.is_some_and(|(other, _)| *other != name)
                }
                _ => false,
            };
            let place = if doubled {
                others += 1;
                plus(place, [-0.6 * f64::from(others), -0.1, 0.0])
            } else {
                place
            };
            let moved: Point =
                std::array::from_fn(|axis| place[axis] * scale + random.normal(0.0, 0.025));
            Some([hand * moved[0], moved[1], moved[2].max(0.2)])
        })
        .collect()
}

/// Returns the direction from a source to its mic; `front` is the direction that the source faces.
pub(super) fn mic_direction(family: Family, front: Point, random: &mut Random) -> Point {
    let above = habits(family).above.draw(random);
    let sideways = if family.is_in_kit() { 0.5 } else { 0.35 };
    let level = unit([front[0], front[1], 0.0]);
    let level = turned(level, random.normal(0.0, sideways));
    let rise = above * std::f64::consts::FRAC_PI_2;
    plus(times(level, rise.cos()), [0.0, 0.0, rise.sin()])
}
