//! Opens, resizes and closes many windows and checks for leaks of memory and files.

use anyhow::{Context, Result, ensure};
use host::{Class, Format};

use crate::cases::{drawn, open};
use crate::player::Player;

/// Windows opened and closed in sequence, for each format.
const OPENINGS: usize = 100;
/// Number of windows after which libraries have loaded everything that they keep.
const WARM_UP: usize = 20;
/// Largest growth of resident memory between the early and the last windows: 2.5 MiB were measured
/// for CLAP, 6 MiB for VST3.
const MEMORY_KIB: u64 = 20 * 1024;
/// Number of counts whose minimum is compared: a window that is still closing holds about 10 MiB
/// and a few files.
const COUNTED: usize = 10;

pub(crate) fn opened_and_closed() -> Result<()> {
    for format in [Format::Clap, Format::Vst3] {
        let mut player = Player::new(format, Class::Eight)?;
        let (mut resident, mut files) = (Vec::new(), Vec::new());
        for opening in 0..OPENINGS {
            let (screen, size) = open(&mut player, None)?;
            if opening == 0 {
                drawn(&mut player, &screen, size)?;
            }
            let wanted = [1000 + 2 * u32::try_from(opening)?, 700];
            let taken = player.plugin.resize_editor(wanted)?;
            ensure!(taken == wanted, "{format}: {wanted:?} became {taken:?}");
            // Long enough for several pictures.
            player.play(0.08, true)?;
            player.plugin.close_editor()?;
            drop(screen);
            player.play(0.02, true)?;
            resident.push(resident_kib()?);
            files.push(std::fs::read_dir("/proc/self/fd")?.count() as u64);
        }
        let least = |counts: &[u64]| counts.iter().copied().min().unwrap_or(0);
        let early = WARM_UP..WARM_UP + COUNTED;
        let late = OPENINGS - COUNTED..OPENINGS;
        let (few, many) = (least(&files[early.clone()]), least(&files[late.clone()]));
        let (early, late) = (least(&resident[early]), least(&resident[late]));
        println!(
            "editor: {format}: {early} KiB and {few} open files after {WARM_UP} windows, {late} \
             and {many} after {OPENINGS}"
        );
        ensure!(late < early + MEMORY_KIB, "{format}: {resident:?} KiB");
        ensure!(many <= few, "{format}: {files:?} open files");
    }
    Ok(())
}

/// Returns the resident memory in KiB.
fn resident_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("no number")?.parse()?)
}
