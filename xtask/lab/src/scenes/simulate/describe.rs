//! Describes the draws of a scene for its `scene.json`.

use super::cast;
use crate::scenes::SceneInfo;
use crate::scenes::console::{Chain, Mains};
use crate::scenes::layout::{Layout, Member, Role, StageMic};
use crate::scenes::sources::Part;
use anyhow::Result;
use serde_json::{Value, json};

pub(super) fn mic_names(members: &[Member<'_>], layout: &Layout) -> Vec<String> {
    let mut num_room = 0;
    let mut num_over = 0;
    let numbered = |what: &str, count: &mut usize| {
        *count += 1;
        format!("{what} {count}")
    };
    layout
        .mics
        .iter()
        .map(|mic| {
            let name = mic.own.map_or("", |own| members[own].name);
            match mic.role {
                Role::Close => name.to_owned(),
                Role::Second => format!("{name} second"),
                Role::Below => format!("{name} below"),
                Role::Overhead => numbered("overhead", &mut num_over),
                Role::Room => numbered("room", &mut num_room),
            }
        })
        .collect()
}

/// Fills in the groups and the room mics, by mic number from 1.
pub(super) fn owners(info: &mut SceneInfo, layout: &Layout, num_sources: usize) {
    for source in 0..num_sources {
        let own: Vec<usize> = (1..)
            .zip(&layout.mics)
            .filter(|(_, mic)| mic.own == Some(source))
            .map(|(number, _)| number)
            .collect();
        if own.len() > 1 {
            info.groups.push(own);
        }
    }
    let room = (1..).zip(&layout.mics).filter(|(_, mic)| mic.own.is_none());
    info.room_mics = room.map(|(number, _)| number).collect();
}

pub(super) fn room(layout: &Layout) -> Value {
    let gobos: Vec<Value> = layout
        .room
        .gobos
        .iter()
        .map(|gobo| json!({ "ends_m": gobo.ends_m.map(rounded), "height_m": round(gobo.height_m) }))
        .collect();
    json!({
        "size_m": rounded(layout.room.size_m),
        "rt60_s": round(layout.room.rt60_s),
        "gobos": gobos,
    })
}

pub(super) fn source(
    layout: &Layout,
    source: usize,
    role: &cast::Role,
    part: &Part,
    level_db: f64,
) -> Value {
    let placed = &layout.sources[source];
    json!({
        "name": part.name,
        "family": part.family,
        "miking": format!("{:?}", role.miking).to_lowercase(),
        "silent": role.silent,
        "at_m": rounded(placed.at),
        "aim": rounded(placed.aim),
        "level_db": round(level_db),
        "made_of": part.made_of,
    })
}

pub(super) fn mic(layout: &Layout, mic: &StageMic, chain: Value) -> Value {
    let away_m =
        mic.own.map(|own| round(crate::room::distance(mic.placed.at, layout.sources[own].at)));
    json!({
        "role": format!("{:?}", mic.role).to_lowercase(),
        "source": mic.own.map(|own| own + 1),
        "distance_m": away_m,
        "at_m": rounded(mic.placed.at),
        "aim": rounded(mic.placed.aim),
        "pattern": mic.pattern,
        "chain": chain,
    })
}

pub(super) fn chain(chain: &Chain, gain_db: f64, mains: Mains) -> Result<Value> {
    let mut value = serde_json::to_value(chain)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("gain_db".to_owned(), gain_db.into());
        if chain.hum_below_db.is_some() {
            fields.insert("mains_hz".to_owned(), mains.hz.into());
        }
    }
    round_all(&mut value);
    Ok(value)
}

fn round_all(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(round_all),
        Value::Object(fields) => fields.values_mut().for_each(round_all),
        Value::Number(number) if number.is_f64() => {
            *value = round(number.as_f64().unwrap_or_default()).into();
        }
        _ => {}
    }
}

/// Rounds to four decimals, a tenth of a millimetre. The exact value follows from the seed.
fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4 + 0.0
}

fn rounded<const N: usize>(values: [f64; N]) -> Vec<f64> {
    values.into_iter().map(round).collect()
}
