//! One member of a session on the board: its sheet, its requests, and its console if it is local.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::console::Console;
use super::label::{Label, LabelWriter};
use super::request::{Request, RequestReader};
use super::sheet::{Entry, MAX_VERSION, Sheet, SheetWriter, are_alike};
use crate::ring::{About, Reader};
use crate::segment::{Memory, MemoryView};
use crate::track::MemberId;

/// The console of a member of this process, and the writing end of its sheet.
#[derive(Debug)]
pub(crate) struct Desk {
    console: Arc<dyn Console>,
    /// The sheet as the member joined. Later changes are the engineer's.
    first: Sheet,
    writer: SheetWriter,
    labels: LabelWriter,
    /// The label that was published last.
    label: Option<Label>,
    late_samples: Arc<AtomicU64>,
    /// Shared settings that count as unchanged: those of the first sheet, or those after the last
    /// change or adoption.
    settled: Vec<Entry>,
    /// Version and shared settings that were adopted last, as their member wrote them.
    adopted: (u64, Vec<Entry>),
}

impl Desk {
    /// Asks the console for the first sheet; the joining thread.
    pub(crate) fn new(
        console: Arc<dyn Console>,
        memory: Memory,
        late_samples: Arc<AtomicU64>,
    ) -> Self {
        let mut desk = Self {
            console,
            first: Sheet::default(),
            labels: LabelWriter::new(memory.clone()),
            label: None,
            writer: SheetWriter::new(memory),
            late_samples,
            settled: Vec::new(),
            adopted: (0, Vec::new()),
        };
        let mut first = Sheet::default();
        desk.fill(&mut first);
        desk.first = first;
        desk
    }

    pub(super) fn console(&self) -> &dyn Console {
        &*self.console
    }

    /// Publishes the track's label if it has changed.
    fn show_label(&mut self) {
        let label = self.console.label();
        if self.label.as_ref() != Some(&label) {
            self.labels.write(&label);
            self.label = Some(label);
        }
    }

    /// Asks the console for the sheet.
    fn fill(&self, sheet: &mut Sheet) {
        sheet.clear();
        self.console.write(sheet);
        // Relaxed: a counter.
        sheet.late_samples = self.late_samples.load(Ordering::Relaxed);
        sheet.make_sound();
    }
}

/// One member of a session.
#[derive(Debug)]
pub(crate) struct Seat {
    id: MemberId,
    about: About,
    memory: MemoryView,
    requests: RequestReader,
    /// The sheet that was read or written last.
    sheet: Sheet,
    /// Number of changes of the sheet when it was read.
    changes: u64,
    desk: Option<Desk>,
}

impl Seat {
    /// Seats a member of this process and publishes its first sheet.
    pub(crate) fn local(id: MemberId, reader: &Reader, desk: Desk) -> Self {
        let requests = RequestReader::from_start(reader.memory().clone());
        let mut seat = Self::new(id, reader, requests);
        let mut desk = desk;
        desk.show_label();
        seat.sheet = std::mem::take(&mut desk.first);
        desk.writer.write(&seat.sheet);
        desk.settled.clone_from(&seat.sheet.shared);
        seat.desk = Some(desk);
        seat
    }

    /// Seats a member of another worker; `None` while it has published no sheet.
    pub(crate) fn remote(id: MemberId, reader: &Reader) -> Option<Self> {
        let requests = RequestReader::from_now(reader.memory().clone());
        let mut seat = Self::new(id, reader, requests);
        seat.read().then_some(seat)
    }

    fn new(id: MemberId, reader: &Reader, requests: RequestReader) -> Self {
        let memory = reader.memory().clone();
        let (about, sheet) = (*reader.about(), Sheet::default());
        Self { id, about, memory, requests, sheet, changes: 0, desk: None }
    }

    pub(crate) fn id(&self) -> MemberId {
        self.id
    }

    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// Returns the sheet as of the last poll.
    pub(crate) fn sheet(&self) -> &Sheet {
        &self.sheet
    }

    /// Returns the label; `None` while it changes.
    pub(crate) fn label(&self) -> Option<Label> {
        Label::read(&self.memory)
    }

    /// Returns the console of a member of this process.
    pub(super) fn console(&self) -> Option<&dyn Console> {
        self.desk.as_ref().map(Desk::console)
    }

    /// Appends the new requests of the member's window.
    pub(super) fn read_requests(&mut self, requests: &mut Vec<Request>) {
        self.requests.read(requests);
    }

    /// Reads the sheet of another worker's member. Returns true if it has changed.
    pub(super) fn read(&mut self) -> bool {
        self.desk.is_none() && self.sheet.read(&self.memory, &mut self.changes)
    }

    /// Asks a local member for its sheet and publishes it. Shared settings that were changed there
    /// get a version after `newest`. `spare` is any sheet. Returns true if the sheet has changed.
    pub(super) fn write(&mut self, newest: u64, spare: &mut Sheet) -> bool {
        let Some(desk) = &mut self.desk else { return false };
        desk.show_label();
        desk.fill(spare);
        if !are_alike(&spare.shared, &desk.settled) {
            spare.version = (newest + 1).min(MAX_VERSION);
            desk.console.renumber(spare.version);
            desk.settled.clone_from(&spare.shared);
        }
        self.publish(spare)
    }

    /// Lets a local member adopt another one's shared settings, if it has not done so.
    pub(super) fn adopt(&mut self, version: u64, shared: &[Entry], spare: &mut Sheet) -> bool {
        let Some(desk) = &mut self.desk else { return false };
        if desk.adopted.0 == version && are_alike(&desk.adopted.1, shared) {
            // The member rounds the values, or does not know some.
            return false;
        }
        desk.console.adopt(version, shared);
        desk.adopted = (version, shared.to_vec());
        desk.fill(spare);
        desk.settled.clone_from(&spare.shared);
        self.publish(spare)
    }

    /// Publishes a local member's sheet, in exchange for the last one, if it has changed.
    fn publish(&mut self, sheet: &mut Sheet) -> bool {
        let has_changed = *sheet != self.sheet;
        if let (Some(desk), true) = (&mut self.desk, has_changed) {
            desk.writer.write(sheet);
            std::mem::swap(&mut self.sheet, sheet);
        }
        has_changed
    }
}
