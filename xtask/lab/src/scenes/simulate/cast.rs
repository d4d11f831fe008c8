//! Draws the players of a scene, their mics and the numbers of both.

use crate::random::Random;
use crate::scenes::layout::Miking;
use crate::scenes::recipe::{Range, StageConfig};
use crate::scenes::sources::Family;

/// Role of a part in the scene.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Role {
    /// Position among the parts, from 0.
    pub(super) part: usize,
    pub(super) miking: Miking,
    /// True if the part is silenced throughout, regardless of its notes.
    pub(super) silent: bool,
}

/// Number of mics of a scene, and number of parts for them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    /// Number of mics for sources.
    pub(super) num_own: usize,
    /// Number of mics without a source.
    pub(super) num_room: usize,
    /// Number of parts to request; more than the mics need, as some parts may have no mic.
    pub(super) num_parts: usize,
}

/// Maximum number of mics without a source of their own.
const MOST_ROOM_MICS: usize = 4;

impl Size {
    pub(super) fn draw(mics: Range, stage: &StageConfig, random: &mut Random) -> Self {
        let num_mics = mics.draw_count(random);
        let wanted = stage.num_room_mics.draw_count(random);
        let num_room = if random.chance(stage.room_mic_chance) { wanted } else { 0 };
        let num_room = num_room.min(num_mics.saturating_sub(2)).min(MOST_ROOM_MICS);
        let num_own = num_mics - num_room;
        let extra = (0..num_own).filter(|_| random.chance(stage.unmiked)).count();
        Self { num_own, num_room, num_parts: (num_own + extra.max(1)).max(3) }
    }
}

/// Assigns mics to the parts, which are ordered by importance. Parts without a role are left out.
///
/// Returns the roles and the number of mics without a source. The latter is raised if there are too
/// few sources for the mics.
pub(super) fn draw(
    parts: &[(&str, Family)],
    size: Size,
    stage: &StageConfig,
    random: &mut Random,
) -> (Vec<Role>, usize) {
    let mut left = size.num_own;
    let mut roles = Vec::new();
    for (part, &(name, family)) in parts.iter().enumerate() {
        // Draws everything before deciding, so that a decision does not change later draws.
        let unmiked = random.chance(unmiked_chance(name, family, stage));
        let clean = random.chance(stage.clean) && !family.is_drum();
        let second = random.chance(stage.second_mic);
        let stays = random.chance(stage.unmiked);
        let direct = has_pickup(family) && random.chance(0.6);
        let miking = match left {
            0 if stays => Miking::Nothing,
            0 => continue,
            _ if unmiked => Miking::Nothing,
            _ if clean && direct => Miking::Direct,
            _ if clean => Miking::Booth,
            // Keeps the last two mics from both going to the only source.
            2.. if second && left + roles.len() > 2 => Miking::Two,
            _ => Miking::One,
        };
        left -= miking.num_mics();
        roles.push(Role { part, miking, silent: false });
    }
    // Mics are left over: first every source without a mic gets one, then some get a second one.
    for (from, to) in [(Miking::Nothing, Miking::One), (Miking::One, Miking::Two)] {
        for role in &mut roles {
            if left > 0 && role.miking == from {
                role.miking = to;
                left -= 1;
            }
        }
    }
    // At least two sources must be outside booths, so that there is bleed.
    let num_in_room = roles.iter().filter(|role| role.miking != Miking::Booth).count();
    let booths = roles.iter_mut().filter(|role| role.miking == Miking::Booth);
    booths.take(2_usize.saturating_sub(num_in_room)).for_each(|role| role.miking = Miking::One);
    let num_room = (size.num_room + left).min(MOST_ROOM_MICS.max(size.num_room));
    draw_silent(&mut roles, stage, random);
    (roles, num_room)
}

/// Draws the silent sources. At least two sources in the room remain audible.
fn draw_silent(roles: &mut [Role], stage: &StageConfig, random: &mut Random) {
    let mut num_heard = roles.iter().filter(|role| role.miking != Miking::Booth).count();
    for role in roles {
        let silent = random.chance(stage.silent);
        let in_room = role.miking != Miking::Booth;
        if silent && role.miking != Miking::Nothing && (num_heard > 2 || !in_room) {
            num_heard -= usize::from(in_room);
            role.silent = true;
        }
    }
}

/// Returns the probability that a source has no mic. Crashes are rarely miked, because they are
/// loud enough in all other mics.
fn unmiked_chance(name: &str, family: Family, stage: &StageConfig) -> f64 {
    if family == Family::Cymbal && !name.contains("ride") && stage.unmiked > 0.0 {
        0.5 * (1.0 + stage.unmiked)
    } else {
        stage.unmiked
    }
}

fn has_pickup(family: Family) -> bool {
    matches!(family, Family::BassAmp | Family::Amp | Family::Plucked | Family::Piano)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [(&str, Family); 7] = [
        ("kick", Family::Kick),
        ("snare", Family::Snare),
        ("bass", Family::BassAmp),
        ("crash", Family::Cymbal),
        ("voice", Family::Voice),
        ("guitar", Family::Amp),
        ("hi-hat", Family::HiHat),
    ];

    fn num_mics(roles: &[Role]) -> usize {
        roles.iter().map(|role| role.miking.num_mics()).sum()
    }

    #[test]
    fn scenes_have_the_number_of_mics_asked_for() {
        let mut found = [0_usize; 5];
        for seed in 0..400 {
            let clean = if seed % 4 == 0 { 0.6 } else { 0.05 };
            let stage = StageConfig { clean, ..StageConfig::default() };
            let mut random = Random::new(seed);
            let mics = Range::new(2.0, 9.0);
            let size = Size::draw(mics, &stage, &mut random);
            assert!((2..=9).contains(&(size.num_own + size.num_room)), "seed {seed}");
            let parts = &PARTS[..size.num_parts.min(7)];
            let (roles, num_room) = draw(parts, size, &stage, &mut random);
            assert_eq!(num_mics(&roles) + num_room, size.num_own + size.num_room, "seed {seed}");
            let count = |miking| roles.iter().filter(|role| role.miking == miking).count();
            found[0] += count(Miking::Nothing);
            found[1] += count(Miking::Two);
            found[2] += count(Miking::Direct);
            found[3] += count(Miking::Booth);
            found[4] += roles.iter().filter(|role| role.silent).count();
            let heard = |role: &&Role| role.miking != Miking::Booth && !role.silent;
            assert!(roles.iter().filter(heard).count() >= 2, "seed {seed}: {roles:?}");
        }
        assert!(found.iter().all(|&count| count > 10), "everything comes up: {found:?}");
    }

    #[test]
    fn what_has_no_chance_does_not_happen() {
        let stage = StageConfig {
            second_mic: 0.0,
            room_mic_chance: 0.0,
            unmiked: 0.0,
            silent: 0.0,
            clean: 0.0,
            ..StageConfig::default()
        };
        for seed in 0..50 {
            let mut random = Random::new(seed);
            let size = Size::draw(Range::new(5.0, 5.0), &stage, &mut random);
            let (roles, num_room) = draw(&PARTS, size, &stage, &mut random);
            assert_eq!((roles.len(), num_room), (5, 0));
            let plain = |role: &Role| role.miking == Miking::One && !role.silent;
            assert!(roles.iter().all(plain));
        }
    }

    #[test]
    fn few_sources_are_given_second_mics_and_then_the_room() {
        let stage = StageConfig { silent: 0.0, ..StageConfig::default() };
        let size = Size { num_own: 7, num_room: 0, num_parts: 8 };
        let (roles, num_room) = draw(&PARTS[..2], size, &stage, &mut Random::new(3));
        assert_eq!((num_mics(&roles), num_room), (4, 3));
    }

    #[test]
    fn two_at_least_share_a_room_even_when_everybody_wants_a_booth() {
        let stage = StageConfig { clean: 1.0, unmiked: 0.0, ..StageConfig::default() };
        let voices = ["a", "b", "c"].map(|name| (name, Family::Voice));
        let size = Size { num_own: 3, num_room: 0, num_parts: 3 };
        let (roles, _) = draw(&voices, size, &stage, &mut Random::new(1));
        let count = |miking| roles.iter().filter(|role| role.miking == miking).count();
        assert_eq!((count(Miking::One), count(Miking::Booth)), (2, 1));
    }
}
