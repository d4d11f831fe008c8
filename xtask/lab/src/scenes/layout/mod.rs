//! Draws rooms, the places of sources in them, and mics in front of the sources.
//!
//! Rooms and layouts are drawn from continuous ranges. A hash of its rounded coordinates assigns
//! each of them to one split; a draw for another split is repeated. Different splits therefore
//! share no cell, and thus no room and no layout. Only at the borders of cells can those of
//! different splits be close, by chance.

mod arrange;
mod families;
mod mics;
mod vector;

use super::recipe::{RoomConfig, StageConfig};
use super::sources::Family;
use super::split::Split;
use crate::random::Random;
use crate::room::{Air, Gobo, Pattern, PlacedMic, PlacedSource, Point, Room, Tail};
use anyhow::{Result, bail};
use vector::{distance_to_segment, plus, turned};

/// Arrangement of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// A band with its drums at the back.
    Stage,
    /// An open arc.
    Arc,
    /// A circle, or seats around a table.
    Circle,
    /// Rows on steps.
    Rows,
}

/// Position of a source and the direction that it faces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    at: Point,
    front: Point,
}

/// Miking of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miking {
    /// No mic; the source bleeds into the others.
    Nothing,
    /// One close mic.
    One,
    /// Two mics for the same source.
    Two,
    /// A direct box: the source sounds in the room, but its mic has no bleed.
    Direct,
    /// A booth: the mic has no bleed, and no other mic picks up the source.
    Booth,
}

impl Miking {
    /// Returns the number of mics.
    #[must_use]
    pub fn num_mics(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One | Self::Direct | Self::Booth => 1,
            Self::Two => 2,
        }
    }
}

/// A source to be placed.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Name of the source.
    pub name: &'a str,
    /// Family of the source.
    pub family: Family,
    /// Miking of the source.
    pub miking: Miking,
}

/// Purpose of a mic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// In front of its source.
    Close,
    /// The second mic at its source.
    Second,
    /// The second mic, below a drum.
    Below,
    /// Above a drum kit, without a source of its own.
    Overhead,
    /// In the room, without a source of its own.
    Room,
}

/// A mic on the stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageMic {
    /// Position of its own source among the members, from 0.
    pub own: Option<usize>,
    /// Purpose of the mic.
    pub role: Role,
    /// Position, direction and pattern.
    pub placed: PlacedMic,
    /// Name of the pattern.
    pub pattern: &'static str,
}

/// A room with all its sources and mics.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The room, including its screens.
    pub room: Room,
    /// One source per member.
    pub sources: Vec<PlacedSource>,
    /// Mics of the members in their order, then mics without a source.
    pub mics: Vec<StageMic>,
}

/// Parameters of a layout.
#[derive(Clone, Copy, Debug)]
pub struct LayoutRequest<'a> {
    /// Rooms to draw from.
    pub room: &'a RoomConfig,
    /// Distances and mics to draw from.
    pub stage: &'a StageConfig,
    /// Arrangement of the group.
    pub arrangement: Arrangement,
    /// Sources to be placed.
    pub members: &'a [Member<'a>],
    /// Number of mics without a source.
    pub num_room_mics: usize,
    /// Split of both room and layout.
    pub split: Split,
}

/// Size in metres of the cells that distinguish rooms and layouts.
const CELL_M: f64 = 0.25;
/// Maximum number of draws per request. One draw in nine fits: a split has one room in three, and
/// one layout in three of each room.
const MOST_DRAWS: usize = 4_000;

impl Layout {
    /// Draws a layout in a room.
    ///
    /// # Errors
    ///
    /// Returns an error if the group fits into none of the recipe's rooms, or if no drawn room or
    /// layout belongs to the split.
    pub fn draw(request: &LayoutRequest<'_>, random: &mut Random) -> Result<Self> {
        let (mut fitting_rooms, mut fitting_layouts) = (0, 0);
        for _ in 0..MOST_DRAWS {
            let Some(room) = draw_room(request.room, random) else { continue };
            if split_of_room(&room) != request.split {
                continue;
            }
            fitting_rooms += 1;
            let Some(layout) = Self::attempt(request, room, random) else { continue };
            fitting_layouts += 1;
            if layout.split() == request.split {
                return Ok(layout);
            }
        }
        if fitting_rooms == 0 {
            bail!("the recipe's [room] has no rooms for split {}: widen its ranges", request.split);
        }
        if fitting_layouts == 0 {
            bail!(
                "no place for {} sources in the recipe's [room]: make it larger",
                request.members.len()
            );
        }
        bail!("the recipe's [room] and [stage] have no layouts for split {}", request.split)
    }

    /// Returns the split of this layout.
    #[must_use]
    pub fn split(&self) -> Split {
        let places = self.sources.iter().map(|source| source.at);
        split_of(places.chain(self.mics.iter().map(|mic| mic.placed.at)).flatten())
    }

    fn attempt(request: &LayoutRequest<'_>, mut room: Room, random: &mut Random) -> Option<Self> {
        let named: Vec<(&str, Family)> =
            request.members.iter().map(|member| (member.name, member.family)).collect();
        let places = arrange::places(request.arrangement, &named, request.stage, random)?;
        let places = into_room(&places, &room, random)?;
        let mut mics = Vec::new();
        for own in 0..request.members.len() {
            mics.extend(mics::close(own, request.members, &places, request.stage, random));
        }
        mics.extend(mics::without_source(&named, &places, &room, request, random));
        let inside = |at: Point, least_m: f64| {
            at.iter().zip(&room.size_m).all(|(p, size)| (least_m..=size - least_m).contains(p))
        };
        if !mics.iter().all(|mic| inside(mic.placed.at, 0.05)) {
            return None;
        }
        room.gobos = draw_gobos(request.room, &named, &places, &mics, random);
        let sources = request
            .members
            .iter()
            .zip(&places)
            .map(|(member, place)| PlacedSource {
                at: place.at,
                aim: families::radiates_to(member.family, place.front),
                directivity: families::directivity(member.family),
            })
            .collect();
        Some(Self { room, sources, mics })
    }
}

/// Returns the split of a room, determined by its size.
#[must_use]
pub fn split_of_room(room: &Room) -> Split {
    split_of(room.size_m)
}

/// Returns the split of some coordinates: FNV-1a over their cell numbers, mixed by [`Random`].
///
/// The function must never change, because the splits must not.
///
/// # Source
///
/// G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV non-cryptographic hash algorithm", IETF
/// draft, section 2 (FNV-1a, 64 bits).
fn split_of(measures_m: impl IntoIterator<Item = f64>) -> Split {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for measure_m in measures_m {
        for byte in (crate::convert::to_index(measure_m / CELL_M) as u64).to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
    Split::ALL[Random::new(hash).index(Split::ALL.len())]
}

/// Energy absorption of plausible walls, from bare plaster to a padded booth.
const LEAST_ABSORPTION: f64 = 0.05;
const MOST_ABSORPTION: f64 = 0.8;

/// Draws a room.
///
/// Returns `None` if plausible walls cannot give a room of this size the drawn RT60. Small rooms do
/// not ring for long, and halls are not dead.
fn draw_room(config: &RoomConfig, random: &mut Random) -> Option<Room> {
    let size_m = [
        config.length_m.draw_log(random),
        config.width_m.draw_log(random),
        config.height_m.draw_log(random),
    ];
    let mut room = Room::new(size_m, config.rt60_s.draw_log(random));
    room.tail = Tail::Diffuse;
    room.air = Air::Absorbing;
    let absorbed = [MOST_ABSORPTION, LEAST_ABSORPTION];
    let [shortest_s, longest_s] = absorbed.map(|part| crate::room::eyring_rt60_s(&room, part));
    (shortest_s..=longest_s).contains(&room.rt60_s).then_some(room)
}

/// Rotates the group and places it at random in the room; returns `None` if it does not fit.
fn into_room(places: &[Place], room: &Room, random: &mut Random) -> Option<Vec<Place>> {
    const FROM_WALL_M: f64 = 0.4;
    let quarter = f64::from(random.pick(&[0_u8, 1, 2, 3])) * std::f64::consts::FRAC_PI_2;
    let angle = quarter + random.normal(0.0, 0.25);
    let mut places: Vec<Place> = places
        .iter()
        .map(|place| Place { at: turned(place.at, angle), front: turned(place.front, angle) })
        .collect();
    let mut shift_along = |axis: usize| {
        let along = places.iter().map(|place| place.at[axis]);
        let (low, high) = along.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (first, last) = (FROM_WALL_M - low, room.size_m[axis] - FROM_WALL_M - high);
        (first <= last).then(|| random.between(first, last))
    };
    let shift = [shift_along(0)?, shift_along(1)?, 0.0];
    places.iter_mut().for_each(|place| place.at = plus(place.at, shift));
    places.iter().all(|place| place.at[2] < room.size_m[2] - 0.2).then_some(places)
}

/// Draws screens half way between two players, clear of all mics and never within a drum kit.
fn draw_gobos(
    config: &RoomConfig,
    members: &[(&str, Family)],
    places: &[Place],
    mics: &[StageMic],
    random: &mut Random,
) -> Vec<Gobo> {
    const CLEARANCE_M: f64 = 0.2;
    let mut gobos = Vec::new();
    if places.len() < 2 || !random.chance(config.gobo_chance) {
        return gobos;
    }
    for _ in 0..config.num_gobos.draw_count(random) {
        let one = random.index(places.len());
        let other = (one + 1 + random.index(places.len() - 1)) % places.len();
        let (width_m, height_m) = (random.between(1.0, 2.0), random.between(1.2, 2.0));
        if members[one].1.is_in_kit() && members[other].1.is_in_kit() {
            continue;
        }
        let (a, b) = (places[one].at, places[other].at);
        let middle = [0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])];
        let (x, y) = (b[0] - a[0], b[1] - a[1]);
        let half = 0.5 * width_m / x.hypot(y).max(1e-6);
        let ends_m = [-half, half].map(|half| [middle[0] - half * y, middle[1] + half * x]);
        let points = places.iter().map(|place| place.at);
        let mut points = points.chain(mics.iter().map(|mic| mic.placed.at));
        if points.all(|at| distance_to_segment(ends_m, [at[0], at[1]]) > CLEARANCE_M) {
            gobos.push(Gobo { ends_m, height_m });
        }
    }
    gobos
}

/// Patterns and their names in recipes and scenes.
const PATTERNS: [(&str, Pattern); 4] = [
    ("omni", Pattern::OMNI),
    ("cardioid", Pattern::CARDIOID),
    ("supercardioid", Pattern::SUPERCARDIOID),
    ("figure-8", Pattern::FIGURE_8),
];

#[cfg(test)]
mod tests;
