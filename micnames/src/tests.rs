//! Names as engineers write them, among them those of published multitracks.

use super::Instrument::{self as I};
use super::*;

fn instrument(name: &str) -> Option<Instrument> {
    Guess::of(name).map(|guess| guess.instrument)
}

#[test]
fn names_of_published_multitracks_are_understood() {
    for (name, expected) in [
        ("01_Kick.wav", I::Kick),
        ("02_KickSub.wav", I::Kick),
        ("01_KickIn.wav", I::Kick),
        ("03_SnareUp.wav", I::Snare),
        ("04_SnareDown.wav", I::Snare),
        ("05_HiHat.wav", I::HiHat),
        ("05_Hat.wav", I::HiHat),
        ("06_Tom1.wav", I::Tom),
        ("09_TomsFloor.wav", I::Tom),
        ("07_FloorTom.wav", I::Tom),
        ("08_Overheads.wav", I::Overhead),
        ("08_OverheadL.wav", I::Overhead),
        ("09_Ride.wav", I::Ride),
        ("10_DrumsRoom.wav", I::Room),
        ("11_BassDI.wav", I::Bass),
        ("12_BassAmp.wav", I::Bass),
        ("13_ElecGtr1.wav", I::Guitar),
        ("14_AcousticGtr.wav", I::Guitar),
        ("16_LeadVox.wav", I::Vocal),
        ("17_BackingVox1.wav", I::Vocal),
        ("18_Piano_L.wav", I::Piano),
        ("19_Organ.wav", I::Keys),
        ("20_Violin2.wav", I::Strings),
        ("21_TenorSax.wav", I::Woodwind),
        ("22_Trumpet.wav", I::Brass),
        ("23_Tambourine.wav", I::Percussion),
    ] {
        assert_eq!(instrument(name), Some(expected), "{name}");
    }
}

#[test]
fn short_names_of_stages_are_understood() {
    for (name, expected) in [
        ("BD in 91", I::Kick),
        ("KIK OUT D112", I::Kick),
        ("kickout", I::Kick),
        ("Bass Drum", I::Kick),
        ("Sn Top", I::Snare),
        ("SN BTM 57", I::Snare),
        ("snarebot", I::Snare),
        ("SD", I::Snare),
        ("HH", I::HiHat),
        ("Hi-Hat", I::HiHat),
        ("T1", I::Tom),
        ("Rack Tom", I::Tom),
        ("FT", I::Tom),
        ("Crash L", I::Cymbals),
        ("OH L", I::Overhead),
        ("OHR", I::Overhead),
        ("OH1", I::Overhead),
        ("Overhead ride side", I::Overhead),
        ("Snare room", I::Room),
        ("Amb L", I::Room),
        ("Ac Gtr DI", I::Guitar),
        ("leadvox", I::Vocal),
        ("LV", I::Vocal),
        ("Bass clarinet", I::Woodwind),
        ("Bass voice", I::Vocal),
        ("Double bass", I::Bass),
        ("Bass guitar", I::Bass),
        ("French horn", I::Brass),
        ("Host", I::Vocal),
    ] {
        assert_eq!(instrument(name), Some(expected), "{name}");
    }
}

#[test]
fn other_names_mean_nothing() {
    for name in [
        "", "Mic 3", "Track 12", "Audio 1", "01", "Input 5", "Anna", "Backing", "Master", "Click",
        "Unspill", "Thomas", "Symphony", "Ohm", "SDI 2", "Chat", "Hatch", "Brian", "Basil",
        "Tomorrow", "Keystone", "Ringo", "-", "日本", "Ö",
    ] {
        assert_eq!(Guess::of(name), None, "{name}");
    }
}

#[test]
fn mics_of_one_source_are_found() {
    let found = |names: &[&str]| {
        let letter = |source: Option<usize>| match source {
            None => '-',
            Some(0) => 'A',
            Some(1) => 'B',
            Some(2) => 'C',
            Some(_) => 'D',
        };
        sources(names).into_iter().map(letter).collect::<String>()
    };
    for (names, expected) in [
        (&["Kick In", "Kick Out", "Snare"][..], "AA-"),
        (&["01_Kick", "02_KickSub", "03_SnareUp", "04_SnareDown", "05_HiHat"], "AABB-"),
        (&["Snare", "Snare Bot"], "AA"),
        (&["Snare 57", "Snare 84"], "AA"),
        (&["SM57 Gtr", "U87 Gtr"], "AA"),
        (&["Bass DI", "Bass Amp", "Bass drum"], "AA-"),
        (&["OH L", "OH R", "Overhead mono"], "AAA"),
        (&["OH1", "OH2"], "AA"),
        (&["Overhead hat side", "Overhead ride side"], "AA"),
        (&["Room L", "Room R", "Snare room"], "AA-"),
        (&["Piano L", "Piano R"], "AA"),
        (&["Piano low", "Piano high"], "AA"),
        (&["Leslie hi", "Leslie lo", "Leslie lo 421"], "AAA"),
        (&["Gtr 1 57", "Gtr 1 121", "Gtr 2 57", "Gtr 2 121"], "AABB"),
        (&["SNR T", "SNR B", "TOM H", "TOM L"], "AA--"),
        (&["Decca L", "Decca C", "Decca R"], "AAA"),
        (&["Cajon front", "Cajon back"], "AA"),
        (&["Bassdrum innen", "Bassdrum außen", "Snare oben", "Snare unten"], "AABB"),
        (&["Bombo dentro", "Bombo fuera"], "AA"),
        // Two sources of one kind.
        (&["Front vox", "Back vox"], "--"),
        (&["Tom 1", "Tom 2", "Floor tom"], "---"),
        (&["Tom L", "Tom R"], "--"),
        (&["Gtr L", "Gtr R"], "--"),
        (&["Vox 1", "Vox 2"], "--"),
        (&["Lead vox", "Back vox"], "--"),
        (&["Violin 1", "Violin 2", "Viola"], "---"),
        (&["Trumpet", "Trombone"], "--"),
        (&["Trumpet mic", "Trombone mic"], "--"),
        (&["Trumpet 57", "Trumpet ribbon"], "AA"),
        (&["Soprano mic", "Alto mic"], "--"),
        (&["Flute", "Clarinet"], "--"),
        (&["Vocal", "Vocal"], "--"),
        (&["Mic 1 top", "Mic 1 bottom"], "--"),
        (&["mic1_kick_in", "mic2_kick_out", "mic3_tom", "mic4_tom"], "AA--"),
        (&[], ""),
    ] {
        assert_eq!(found(names), expected, "{names:?}");
    }
}

#[test]
fn overheads_and_rooms_hear_all() {
    assert!(I::Overhead.hears_all() && I::Room.hears_all() && !I::Cymbals.hears_all());
}
