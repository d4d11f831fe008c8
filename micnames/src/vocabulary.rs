//! The meanings of words in names of mics.

use super::Instrument;

/// The meaning of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// An instrument, with the word if it tells the source from others.
    Is(Instrument, Option<String>),
    /// One of several mics of a source, or the model of a mic.
    Position,
    /// Left or right.
    Side(String),
    Number(String),
    Other(String),
}

/// The words for an instrument. An entry with a space is two words.
struct Words {
    instrument: Instrument,
    /// Words of the same meaning.
    same: &'static [&'static str],
    /// Words that tell one source from others: a trumpet is no trombone.
    own: &'static [&'static str],
}

const fn words(
    instrument: Instrument,
    same: &'static [&'static str],
    own: &'static [&'static str],
) -> Words {
    Words { instrument, same, own }
}

const INSTRUMENTS: [Words; 17] = [
    words(
        Instrument::Kick,
        &[
            "kick",
            "kicks",
            "kik",
            "kck",
            "kk",
            "kd",
            "bd",
            "bass drum",
            "bassdrum",
            "kickdrum",
            "kick drum",
            "bombo",
        ],
        &[],
    ),
    words(
        Instrument::Snare,
        &["snare", "snares", "snr", "snrs", "sn", "sna", "sd", "snare drum", "caixa"],
        &[],
    ),
    words(
        Instrument::HiHat,
        &["hihat", "hihats", "hi hat", "hi hats", "hat", "hats", "hh", "charley"],
        &[],
    ),
    words(Instrument::Tom, &["tom", "toms"], &["floor tom", "rack tom", "ft", "floor", "rack"]),
    words(Instrument::Ride, &["ride", "rides", "ride cymbal", "rd"], &[]),
    words(
        Instrument::Cymbals,
        &["cymbal", "cymbals", "cym", "cyms"],
        &["crash", "china", "splash", "crash cymbal"],
    ),
    words(
        Instrument::Overhead,
        &["overhead", "overheads", "oh", "ohs", "ovh", "ovhd", "ovhds", "ohd", "over head"],
        &[],
    ),
    words(
        Instrument::Room,
        &["room", "rooms", "rm", "rms", "raum"],
        &["amb", "ambi", "ambience", "ambient", "ambiance", "decca", "audience", "crowd"],
    ),
    words(
        Instrument::Percussion,
        &["perc", "percs", "percussion"],
        &[
            "conga",
            "congas",
            "bongo",
            "bongos",
            "djembe",
            "cajon",
            "shaker",
            "tambourine",
            "tamb",
            "timbales",
            "timbale",
            "timpani",
            "timp",
            "cowbell",
            "clap",
            "claps",
            "marimba",
            "vibraphone",
            "vibes",
            "xylophone",
            "glockenspiel",
        ],
    ),
    words(
        Instrument::Vocal,
        &[
            "vox", "vocal", "vocals", "voc", "vocs", "voice", "voices", "vx", "gesang", "voz",
            "speech", "lav", "lavalier",
        ],
        &[
            "lv",
            "bv",
            "bvs",
            "bvox",
            "lvox",
            "bgv",
            "bgvs",
            "ldvox",
            "singer",
            "choir",
            "soprano",
            "alto",
            "tenor",
            "host",
            "guest",
            "speaker",
            "dialogue",
            "bass voice",
            "bass vocal",
            "bass vox",
        ],
    ),
    words(
        Instrument::Guitar,
        &[
            "guitar", "guitars", "gtr", "gtrs", "gt", "gtar", "guit", "git", "gitarre", "guitarra",
            "guitare",
        ],
        &[
            "egtr", "agtr", "egt", "agt", "eg", "ag", "acgtr", "elgtr", "acoustic", "banjo",
            "mandolin", "ukulele", "uke", "dobro",
        ],
    ),
    words(
        Instrument::Bass,
        &["bass", "bas", "bss", "bass guitar", "bass gtr"],
        &["double bass", "upright", "upright bass", "contrabass", "dblbass"],
    ),
    words(Instrument::Piano, &["piano", "pno", "pian", "grand", "klavier"], &[]),
    words(
        Instrument::Keys,
        &["keys", "key", "keyboard", "keyboards", "kbd", "keyb"],
        &[
            "synth",
            "syn",
            "organ",
            "rhodes",
            "wurli",
            "wurlitzer",
            "hammond",
            "leslie",
            "clav",
            "clavinet",
            "accordion",
            "harpsichord",
        ],
    ),
    words(
        Instrument::Strings,
        &["strings", "string"],
        &[
            "violin", "violins", "vln", "vlns", "vn", "viola", "violas", "vla", "cello", "celli",
            "cellos", "vc", "vcl", "fiddle", "harp", "geige",
        ],
    ),
    words(
        Instrument::Brass,
        &["brass"],
        &[
            "trumpet",
            "trumpets",
            "tpt",
            "trp",
            "trpt",
            "trombone",
            "trombones",
            "tbn",
            "trb",
            "horn",
            "horns",
            "hn",
            "hrn",
            "tuba",
            "flugelhorn",
            "flugel",
            "cornet",
            "euphonium",
        ],
    ),
    words(
        Instrument::Woodwind,
        &["woodwind", "woodwinds"],
        &[
            "sax",
            "saxophone",
            "saxes",
            "flute",
            "flutes",
            "flt",
            "clarinet",
            "clarinets",
            "clar",
            "oboe",
            "bassoon",
            "piccolo",
            "recorder",
            "english horn",
            "harmonica",
        ],
    ),
];

/// Words for one of several mics of a source.
const POSITIONS: [&str; 57] = [
    "in",
    "inn",
    "ins",
    "inside",
    "out",
    "outs",
    "outside",
    "top",
    "tops",
    "bot",
    "bott",
    "btm",
    "bottom",
    "up",
    "upper",
    "under",
    "down",
    "dn",
    "lower",
    "sub",
    "beater",
    "shell",
    "port",
    "batter",
    "reso",
    "di",
    "amp",
    "cab",
    "cabinet",
    "mic",
    "mike",
    "line",
    "direct",
    "close",
    "trig",
    "trigger",
    "ribbon",
    "condenser",
    "dynamic",
    "xy",
    "ab",
    "ortf",
    "mono",
    "stereo",
    "st",
    "mid",
    "innen",
    "aussen",
    "außen",
    "oben",
    "unten",
    "dentro",
    "fuera",
    "arriba",
    "abajo",
    "int",
    "ext",
];

/// Makers and letters in front of the number of a model: "SM 57", "D112", "U87".
const MODELS: [&str; 24] = [
    "sm", "md", "u", "c", "d", "e", "re", "km", "tlm", "akg", "shure", "beta", "pg", "at", "mk",
    "atm", "mkh", "coles", "royer", "r", "pr", "nt", "m", "i",
];

/// Smallest number that is a model without letters: a session has fewer mics of one kind.
const LEAST_MODEL: u32 = 20;

const LEFT: [&str; 5] = ["l", "left", "lt", "lft", "links"];
const RIGHT: [&str; 5] = ["r", "right", "rt", "rgt", "rechts"];

/// Returns the meanings of words, in their order.
pub(crate) fn meanings(words: &[String]) -> Vec<Meaning> {
    let words: Vec<String> = words.iter().flat_map(|word| parts(word)).collect();
    let mut meanings = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let next = words.get(at + 1);
        let two = next.and_then(|next| instrument(&format!("{word} {next}")));
        let (meaning, used) = if let Some(two) = two {
            (two, 2)
        } else if MODELS.contains(&word.as_str()) && next.is_some_and(|next| is_model(next, 10)) {
            (Meaning::Position, 2)
        } else if word == "t" && next.is_some_and(|next| number(next).is_some()) {
            (Meaning::Is(Instrument::Tom, None), 1)
        } else {
            (meaning(word), 1)
        };
        meanings.push(meaning);
        at += used;
    }
    // Some words are the place of a mic at one instrument only: "piano low", but "low tom".
    let is_of = |kinds: &[Instrument]| {
        let is_one =
            |meaning: &Meaning| matches!(meaning, Meaning::Is(kind, _) if kinds.contains(kind));
        meanings.iter().any(is_one)
    };
    let places: Vec<&str> = PLACES_OF
        .iter()
        .filter(|(kinds, _)| is_of(kinds))
        .flat_map(|(_, words)| words.iter().copied())
        .collect();
    for meaning in &mut meanings {
        if matches!(meaning, Meaning::Other(word) if places.contains(&word.as_str())) {
            *meaning = Meaning::Position;
        }
    }
    meanings
}

/// Words for one of several mics of some instruments.
const PLACES_OF: [(&[Instrument], &[&str]); 4] = [
    (&[Instrument::Piano, Instrument::Keys], &["hi", "high", "lo", "low", "treble"]),
    (&[Instrument::Kick, Instrument::Snare], &["t", "b", "i", "o"]),
    (&[Instrument::Room], &["c", "center", "centre"]),
    (&[Instrument::Percussion], &["front", "back"]),
];

fn number(word: &str) -> Option<u32> {
    word.parse().ok()
}

fn is_model(word: &str, least: u32) -> bool {
    number(word).is_some_and(|number| number >= least)
}

fn instrument(word: &str) -> Option<Meaning> {
    INSTRUMENTS.iter().find_map(|words| {
        let own = words.own.contains(&word).then(|| word.to_owned());
        (own.is_some() || words.same.contains(&word)).then_some(Meaning::Is(words.instrument, own))
    })
}

fn meaning(word: &str) -> Meaning {
    if let Some(instrument) = instrument(word) {
        instrument
    } else if POSITIONS.contains(&word) || is_model(word, LEAST_MODEL) {
        Meaning::Position
    } else if LEFT.contains(&word) {
        Meaning::Side("l".to_owned())
    } else if RIGHT.contains(&word) {
        Meaning::Side("r".to_owned())
    } else if let Some(number) = number(word) {
        Meaning::Number(number.to_string())
    } else {
        Meaning::Other(word.to_owned())
    }
}

/// Splits a word that is written together: "kickin", "leadvox", "ohl". An instrument and known
/// words around it make up the whole of such a word.
fn parts(word: &str) -> Vec<String> {
    let whole = || vec![word.to_owned()];
    let is_known = |part: &str| !matches!(meaning(part), Meaning::Other(_));
    if is_known(word) {
        return whole();
    }
    let cuts = word.char_indices().map(|(cut, _)| cut).skip(1);
    for cut in cuts.collect::<Vec<_>>().into_iter().rev() {
        let (first, second) = word.split_at(cut);
        // Two letters alone begin or end too many words.
        let is_clear = |part: &str| instrument(part).is_some() && part.len() > 2;
        let short = |part: &str| ["oh", "bd", "sd", "sn", "hh"].contains(&part);
        let fits_behind = |part: &str| is_known(part) || PREFIXES.contains(&part);
        if (is_clear(first) || short(first)) && is_known(second) {
            return vec![first.to_owned(), second.to_owned()];
        }
        if is_clear(second) && fits_behind(first) {
            return vec![first.to_owned(), second.to_owned()];
        }
    }
    whole()
}

/// Words in front of an instrument that are written together with it.
const PREFIXES: [&str; 14] = [
    "lead", "ld", "back", "backing", "bg", "el", "elec", "electric", "ac", "low", "mid", "drum",
    "drums", "main",
];
