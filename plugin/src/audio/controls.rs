//! From the values of the parameters to the engine's controls.

use engine::{Controls, Decibels, Estimates, GroupId, Listen, Role};
use nice_plug::prelude::{BoolParam, Enum, Param};

use crate::buses::MicMap;
use crate::params::{
    AmongOthers, EstimatesChoice, GroupChoice, ListenChoice, MicParams, NO_LIMIT_DB, RoleChoice,
    UnspillParams,
};

/// Group of a stereo track's two sides if the user chose none. User groups are 1 to 8.
pub(super) const SIDES: GroupId = GroupId(u8::MAX);

/// Writes the value of every parameter into `controls`; real-time safe.
pub(super) fn read_controls(params: &UnspillParams, map: &MicMap, controls: &mut Controls) {
    let bypass = params.bypass.value();
    // A mic that is not in this layout has no output, so its solo mutes no other mic.
    let is_there = |strip: usize| !map.mics_of(strip).is_empty();
    let any_solo = (params.mics.iter().enumerate())
        .filter(|&(strip, _)| is_there(strip))
        .filter_map(|(_, mic)| among_others(mic))
        .any(is_soloed);
    controls.global_amount = fraction(&params.amount);
    controls.estimates = match params.estimates.value() {
        _ if params.learn.value() => Estimates::Learning,
        EstimatesChoice::Adaptive => Estimates::Adaptive,
        EstimatesChoice::Learned => Estimates::Learned,
    };
    for (strip, mic) in params.mics.iter().enumerate() {
        let among = among_others(mic);
        let is_on = |which: fn(&AmongOthers) -> &BoolParam| among.is_some_and(|a| which(a).value());
        let listen = match params.listen.value() {
            _ if bypass => Listen::Dry,
            _ if is_on(|among| &among.solo_removed) => Listen::Removed,
            _ if any_solo && !is_on(|among| &among.solo) => Listen::Mute,
            _ if is_on(|among| &among.bypass) => Listen::Dry,
            ListenChoice::Clean => Listen::Clean,
            ListenChoice::Removed => Listen::Removed,
            ListenChoice::Dry => Listen::Dry,
        };
        let range = map.mics_of(strip);
        let linked = range.len() > 1;
        for one in &mut controls.mics[range] {
            one.listen = listen;
            one.role = match mic.role.value() {
                RoleChoice::Close => Role::Close,
                RoleChoice::Room => Role::Room,
                RoleChoice::RoomCleaned => Role::CleanedRoom,
            };
            one.group = match mic.group.value() {
                GroupChoice::None => linked.then_some(SIDES),
                letter => u8::try_from(letter.to_index()).ok().map(GroupId),
            };
            // A mic without an output is also cleaned, which makes it a better reference.
            if let Some(output) = &mic.output {
                one.amount = fraction(&output.amount);
                one.floor = floor(output.floor.value());
            }
        }
    }
    for pair in &params.pairs {
        let amount = fraction(&pair.amount);
        for target in map.mics_of(pair.target) {
            controls.pair_amount[target][map.mics_of(pair.bleeder)].fill(amount);
        }
    }
}

fn among_others(mic: &MicParams) -> Option<&AmongOthers> {
    mic.output.as_ref()?.among_others.as_ref()
}

fn is_soloed(among: &AmongOthers) -> bool {
    among.solo.value() || among.solo_removed.value()
}

fn fraction(percent: &impl Param<Plain = f32>) -> f32 {
    part(percent.modulated_plain_value())
}

/// Converts percent to a fraction; NaN becomes 0.
fn part(percent: f32) -> f32 {
    if percent.is_nan() { 0.0 } else { (percent / 100.0).clamp(0.0, 1.0) }
}

/// Converts a limit to decibels; NaN becomes no limit.
fn floor(db: f32) -> Decibels {
    if db > NO_LIMIT_DB { Decibels(db.min(0.0)) } else { Decibels::NEG_INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::{Class, ClassDesc, Unspill8, UnspillMultichannel, UnspillTrack};
    use crate::testing::set_by_id;

    fn controls(class: &'static ClassDesc, layout: usize, settings: &[(&str, &str)]) -> Controls {
        let params = UnspillParams::new(class);
        for (id, text) in settings {
            set_by_id(&params, id, text);
        }
        let mut controls = Controls::default();
        read_controls(&params, &MicMap::new(class, &class.layouts[layout]), &mut controls);
        controls
    }

    #[test]
    fn the_solo_of_a_mic_that_is_not_there_silences_nobody() {
        let two_mics =
            |settings: &[(&str, &str)]| controls(&UnspillMultichannel::DESC, 1, settings);
        assert_eq!(two_mics(&[("mic5_alone", "On"), ("mic9_solo", "On")]), two_mics(&[]));
        let soloed = two_mics(&[("mic2_alone", "On"), ("mic5_alone", "On")]);
        assert_eq!(soloed.mics[0].listen, Listen::Mute);
        assert_eq!(soloed.mics[1].listen, Listen::Clean);
    }

    #[test]
    fn what_is_no_number_is_no_amount_and_no_limit() {
        assert_eq!((part(f32::NAN), part(f32::INFINITY), part(25.0)), (0.0, 1.0, 0.25));
        assert_eq!(floor(f32::NAN), Decibels::NEG_INFINITY);
        assert_eq!(floor(f32::INFINITY), Decibels(0.0));
    }

    #[test]
    fn the_defaults_are_the_engines_defaults() {
        assert_eq!(controls(&Unspill8::DESC, 0, &[]), Controls::default());
    }

    #[test]
    fn every_parameter_arrives_where_it_belongs() {
        let moved = controls(
            &Unspill8::DESC,
            0,
            &[
                ("amount", "50"),
                ("estimates", "Locked"),
                ("mic2_amount", "25"),
                ("mic3_floor", "-24 dB"),
                ("mic4_role", "Room cleaned"),
                ("mic5_group", "B"),
                ("pair6_7", "75"),
            ],
        );
        let mut expected = Controls { global_amount: 0.5, ..Controls::default() };
        expected.estimates = Estimates::Learned;
        expected.mics[1].amount = 0.25;
        expected.mics[2].floor = Decibels(-24.0);
        expected.mics[3].role = Role::CleanedRoom;
        expected.mics[4].group = Some(GroupId(2));
        expected.pair_amount[5][6] = 0.75;
        assert_eq!(moved, expected);
    }

    #[test]
    fn a_passage_is_learned_as_long_as_learn_is_on_whatever_was_chosen_before() {
        let estimates =
            |settings: &[(&str, &str)]| controls(&Unspill8::DESC, 0, settings).estimates;
        assert_eq!(estimates(&[("learn", "On")]), Estimates::Learning);
        assert_eq!(estimates(&[("learn", "On"), ("estimates", "Locked")]), Estimates::Learning);
        let params = UnspillParams::new(&Unspill8::DESC);
        params.follow_learn();
        assert_eq!((params.estimates.value(), params.own_moves()), (EstimatesChoice::Adaptive, 0));
        set_by_id(&params, "learn", "On");
        params.follow_learn();
        params.follow_learn();
        assert_eq!((params.estimates.value(), params.own_moves()), (EstimatesChoice::Learned, 1));
    }

    #[test]
    fn a_solo_mutes_the_others_and_bypass_beats_everything() {
        let listens = |settings: &[(&str, &str)]| -> Vec<_> {
            controls(&Unspill8::DESC, 0, settings).mics[..8].iter().map(|mic| mic.listen).collect()
        };
        let soloed = listens(&[("mic2_solo", "On")]);
        assert_eq!(soloed[..3], [Listen::Mute, Listen::Removed, Listen::Mute]);
        assert_eq!(listens(&[("listen", "Removed")]), [Listen::Removed; 8]);
        let alone = listens(&[("mic1_alone", "On"), ("mic3_solo", "On"), ("mic1_solo", "Off")]);
        assert_eq!(alone[..3], [Listen::Clean, Listen::Mute, Listen::Removed]);
        let by_itself = listens(&[("mic2_bypass", "On"), ("listen", "Removed")]);
        assert_eq!(by_itself[..3], [Listen::Removed, Listen::Dry, Listen::Removed]);
        let alone = listens(&[("mic2_bypass", "On"), ("mic2_alone", "On")]);
        assert_eq!(alone[..3], [Listen::Mute, Listen::Dry, Listen::Mute]);
        let bypassed = listens(&[
            ("mic2_solo", "On"),
            ("mic1_alone", "On"),
            ("listen", "Removed"),
            ("bypass", "On"),
        ]);
        assert_eq!(bypassed, [Listen::Dry; 8]);
    }

    #[test]
    fn both_sides_of_a_stereo_track_share_everything() {
        let stereo = controls(
            &UnspillTrack::DESC,
            0,
            &[("mic1_amount", "10"), ("pair1_2", "20"), ("mic2_role", "Room")],
        );
        assert_eq!(stereo.mics[0], stereo.mics[1]);
        assert_eq!(stereo.mics[0].amount, 0.1);
        assert_eq!(stereo.mics[0].group, Some(SIDES));
        assert_eq!((stereo.pair_amount[0][2], stereo.pair_amount[1][2]), (0.2, 0.2));
        assert_eq!(stereo.mics[2].role, Role::Room);
        let grouped = controls(&UnspillTrack::DESC, 0, &[("mic1_group", "A")]);
        assert_eq!(grouped.mics[1].group, Some(GroupId(1)));
        let mono = controls(&UnspillTrack::DESC, 1, &[("pair1_2", "20")]);
        assert_eq!((mono.mics[0].group, mono.pair_amount[0][1]), (None, 0.2));
    }
}
