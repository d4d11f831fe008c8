//! Tests of layouts for many seeds: places are plausible, and splits share nothing.

use super::*;
use crate::room::distance;
use std::collections::BTreeSet;

const BAND: [(&str, Family); 9] = [
    ("kick", Family::Kick),
    ("snare", Family::Snare),
    ("bass", Family::BassAmp),
    ("guitar", Family::Amp),
    ("hi-hat", Family::HiHat),
    ("voice", Family::Voice),
    ("tom 1", Family::Tom),
    ("crash", Family::Cymbal),
    ("ride", Family::Cymbal),
];

fn members(miking: Miking) -> Vec<Member<'static>> {
    BAND.iter().map(|&(name, family)| Member { name, family, miking }).collect()
}

fn draw(
    arrangement: Arrangement,
    members: &[Member<'_>],
    split: Split,
    random: &mut Random,
) -> Layout {
    let (room, stage) = (RoomConfig::default(), StageConfig::default());
    let request =
        LayoutRequest { room: &room, stage: &stage, arrangement, members, num_room_mics: 2, split };
    Layout::draw(&request, random).unwrap()
}

#[test]
fn everything_is_inside_and_mics_are_nearest_to_their_own_source() {
    for (seed, arrangement) in (0_u64..).zip(
        [Arrangement::Stage, Arrangement::Arc, Arrangement::Circle, Arrangement::Rows].repeat(20),
    ) {
        let members = members(Miking::One);
        let layout = draw(arrangement, &members, Split::Test, &mut Random::new(seed));
        assert_eq!((layout.sources.len(), layout.mics.len()), (9, 11), "seed {seed}");
        let size_m = layout.room.size_m;
        let inside = |at: Point| at.iter().zip(&size_m).all(|(p, size)| *p > 0.04 && p < size);
        assert!(layout.sources.iter().all(|source| inside(source.at)), "seed {seed}");
        for mic in &layout.mics {
            assert!(inside(mic.placed.at), "seed {seed}: {mic:?}");
            let Some(own) = mic.own else { continue };
            let away_m = distance(mic.placed.at, layout.sources[own].at);
            assert!((0.029..1.51).contains(&away_m), "seed {seed}: {away_m} m");
            for (other, source) in layout.sources.iter().enumerate() {
                let further_m = distance(mic.placed.at, source.at);
                assert!(other == own || further_m > away_m, "seed {seed}: {mic:?}");
            }
        }
    }
}

#[test]
fn a_drum_kit_has_the_size_of_one() {
    for seed in 0..40 {
        let members = members(Miking::One);
        let layout = draw(Arrangement::Stage, &members, Split::Train, &mut Random::new(seed));
        let at = |name: &str| {
            layout.sources[BAND.iter().position(|(known, _)| *known == name).unwrap()].at
        };
        let snare_to = |name| distance(at("snare"), at(name));
        assert!((0.35..0.75).contains(&snare_to("hi-hat")), "seed {seed}");
        assert!((0.35..0.85).contains(&snare_to("kick")), "seed {seed}");
        assert!((0.7..1.4).contains(&snare_to("ride")), "seed {seed}");
        assert!(at("crash")[2] > at("ride")[2] && at("ride")[2] > at("snare")[2]);
    }
}

#[test]
fn second_mics_below_a_drum_are_below_it() {
    let members = members(Miking::Two);
    let layout = draw(Arrangement::Stage, &members, Split::Train, &mut Random::new(1));
    let snare = layout.sources[1].at;
    let mics: Vec<&StageMic> = layout.mics.iter().filter(|mic| mic.own == Some(1)).collect();
    assert_eq!((mics[0].role, mics[1].role), (Role::Close, Role::Below));
    assert!(mics[0].placed.at[2] > snare[2] && mics[1].placed.at[2] < snare[2]);
}

#[test]
fn rooms_and_layouts_of_the_splits_have_nothing_in_common() {
    let mut rooms = BTreeSet::new();
    let mut layouts = BTreeSet::new();
    let cells = |places: Vec<Point>| -> Vec<u64> {
        places.into_iter().flatten().map(|p| (p / CELL_M).round() as u64).collect()
    };
    let members = members(Miking::One);
    let mut num_drawn = 0;
    for (part, split) in (0..).zip(Split::ALL) {
        let mut own_rooms = BTreeSet::new();
        let mut own_layouts = BTreeSet::new();
        for seed in 0..150 {
            let mut random = Random::for_part(seed, part);
            let layout = draw(Arrangement::Stage, &members, split, &mut random);
            assert_eq!((layout.split(), split_of_room(&layout.room)), (split, split));
            own_rooms.insert(cells(vec![layout.room.size_m]));
            own_layouts.insert(cells(layout.sources.iter().map(|source| source.at).collect()));
            num_drawn += 1;
        }
        assert!(own_rooms.is_disjoint(&rooms), "{split} shares a room");
        assert!(own_layouts.is_disjoint(&layouts), "{split} shares a layout");
        rooms.extend(own_rooms);
        layouts.extend(own_layouts);
    }
    // Many different rooms, so that an overlap of the sets would show.
    assert!(num_drawn == 450 && rooms.len() > 400, "{}", rooms.len());
}

#[test]
fn impossible_rooms_are_refused_with_the_reason() {
    let members = members(Miking::One);
    let stage = StageConfig::default();
    let refuse = |room: RoomConfig| {
        let request = LayoutRequest {
            room: &room,
            stage: &stage,
            arrangement: Arrangement::Stage,
            members: &members,
            num_room_mics: 0,
            split: Split::Test,
        };
        format!("{:#}", Layout::draw(&request, &mut Random::new(1)).unwrap_err())
    };
    let fixed = |metres| crate::scenes::recipe::Range::new(metres, metres + 0.5);
    let closet = RoomConfig { length_m: fixed(2.0), width_m: fixed(2.0), ..RoomConfig::default() };
    assert!(refuse(closet).contains("no place for 9 sources"));
    let size = fixed(2.4);
    let ringing = RoomConfig {
        length_m: size,
        width_m: size,
        height_m: size,
        rt60_s: crate::scenes::recipe::Range::new(2.4, 2.5),
        ..RoomConfig::default()
    };
    assert!(refuse(ringing).contains("no rooms for split test"));
}

#[test]
fn screens_stand_between_players_and_touch_nobody() {
    let members = members(Miking::One);
    let room = RoomConfig { gobo_chance: 1.0, ..RoomConfig::default() };
    let stage = StageConfig::default();
    let mut num_gobos = 0;
    for seed in 0..40 {
        let request = LayoutRequest {
            room: &room,
            stage: &stage,
            arrangement: Arrangement::Stage,
            members: &members,
            num_room_mics: 1,
            split: Split::Validation,
        };
        let layout = Layout::draw(&request, &mut Random::new(seed)).unwrap();
        for gobo in &layout.room.gobos {
            let sources = layout.sources.iter().map(|source| source.at);
            for at in sources.chain(layout.mics.iter().map(|mic| mic.placed.at)) {
                let away_m = distance_to_segment(gobo.ends_m, [at[0], at[1]]);
                assert!(away_m > 0.19, "seed {seed}: {away_m} m");
            }
            num_gobos += 1;
        }
    }
    assert!(num_gobos > 10, "{num_gobos}");
}

#[test]
fn instruments_without_amplifier_are_miked_nearer_beside_loud_ones() {
    let mean_m = |members: &[Member<'_>], own: usize| {
        let away = (0..40).map(|seed| {
            let layout = draw(Arrangement::Arc, members, Split::Train, &mut Random::new(seed));
            distance(layout.mics[own].placed.at, layout.sources[own].at)
        });
        away.sum::<f64>() / 40.0
    };
    let sax = |name| Member { name, family: Family::Woodwind, miking: Miking::One };
    let quiet = [sax("a"), sax("b"), sax("c")];
    let kick = Member { name: "kick", family: Family::Kick, miking: Miking::One };
    let loud = [sax("a"), sax("b"), kick];
    let (quiet_m, loud_m) = (mean_m(&quiet, 0), mean_m(&loud, 0));
    assert!(loud_m < 0.6 * quiet_m, "{loud_m} {quiet_m}");
}

#[test]
fn no_mic_is_nearer_to_a_neighbour_or_outside_however_people_sit() {
    let names = ["1", "2", "3", "4", "5", "6"];
    let members = names.map(|name| Member { name, family: Family::LowString, miking: Miking::Two });
    // A size that just fits the group, so that mics would often end up behind the walls.
    let size = crate::scenes::recipe::Range::new(4.4, 5.4);
    let room = RoomConfig { length_m: size, width_m: size, ..RoomConfig::default() };
    for seed in 0..60 {
        let apart = if seed % 2 == 0 { 0.4 } else { 1.3 };
        let apart_m = crate::scenes::recipe::Range::new(apart, apart + 0.1);
        let mic_distance = crate::scenes::recipe::Range::new(2.0, 4.0);
        let stage = StageConfig { apart_m, mic_distance, ..StageConfig::default() };
        let request = LayoutRequest {
            room: &room,
            stage: &stage,
            arrangement: Arrangement::Rows,
            members: &members,
            num_room_mics: 0,
            split: Split::Train,
        };
        let layout = Layout::draw(&request, &mut Random::new(seed)).unwrap();
        for mic in &layout.mics {
            let away_m = |source: &PlacedSource| distance(mic.placed.at, source.at);
            let own_m = away_m(&layout.sources[mic.own.unwrap()]);
            assert!(layout.sources.iter().all(|source| away_m(source) >= own_m), "seed {seed}");
            let mut axes = mic.placed.at.iter().zip(&layout.room.size_m);
            assert!(axes.all(|(p, size)| *p > 0.04 && p < size), "seed {seed}");
        }
    }
}
