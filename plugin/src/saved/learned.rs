//! Saved data beside the parameters and the window: the learned estimates and the model.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::{Learned, LearnedError, Learner};
use link::Lesson;
use models::Release;

use crate::sync::lock;

/// The saved data, behind a lock. The audio thread never takes the lock; it only increments `news`.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    inner: Mutex<Inner>,
    news: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    learned: Option<Arc<Learned>>,
    /// `learned` in its saved form.
    text: Option<String>,
    refused: Option<Refused>,
    /// The learner of the running session.
    learner: Option<Arc<Learner>>,
    /// Id and version of the model that the loaded session names.
    model: Option<(String, String)>,
    /// True from [`Kept::put_back`] until the next [`Kept::begin`].
    is_called_off: bool,
    /// True for a linked instance, which has no learner of its own.
    is_linked: bool,
    /// The estimates of a linked instance's session.
    lesson: Option<Arc<Lesson>>,
}

/// A copy of the learned estimates that [`Kept::put_back`] can restore.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taught {
    learned: Option<Arc<Learned>>,
    text: Option<String>,
    refused: Option<Refused>,
    lesson: Option<Arc<Lesson>>,
}

/// The reason why a session's saved estimates could not be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The text is not valid Base64.
    Text,
    /// The text decodes to bytes that this version cannot read.
    Bytes(LearnedError),
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text => write!(f, "{}", LearnedError::Damaged),
            Self::Bytes(error) => write!(f, "{error}"),
        }
    }
}

impl Kept {
    /// Creates the data of a linked instance.
    pub(crate) fn linked() -> Self {
        let kept = Self::default();
        kept.inner().is_linked = true;
        kept
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    /// Marks that there are new estimates to save; real-time safe.
    pub(crate) fn has_news(&self) {
        // Release: a thread that reads the new count also reads the memory writes before it.
        self.news.fetch_add(1, Ordering::Release);
    }

    /// Returns a number that changes whenever there are new estimates to save; real-time safe.
    pub(crate) fn news(&self) -> u64 {
        // Acquire: pairs with the Release in `has_news`.
        self.news.load(Ordering::Acquire)
    }

    /// Replaces the learner by that of the new session; `None` if there is none.
    pub(crate) fn connect(&self, learner: Option<Arc<Learner>>) {
        self.inner().learner = learner;
    }

    /// Stores the session's newest estimates, except while it is learning. Returns true if there
    /// were any.
    pub(crate) fn collect(&self, is_learning: bool) -> bool {
        let mut inner = self.inner();
        if is_learning {
            return false;
        }
        if let Some(learned) = inner.learner.as_ref().and_then(|learner| learner.collect()) {
            inner.text = Some(BASE64_STANDARD.encode(learned.to_bytes()));
            inner.learned = Some(learned);
            inner.refused = None;
            return true;
        }
        false
    }

    /// Returns a copy of the current estimates, after [`Kept::collect`].
    pub(crate) fn taught(&self, is_learning: bool) -> Taught {
        self.collect(is_learning);
        let inner = self.inner();
        let (learned, text) = (inner.learned.clone(), inner.text.clone());
        Taught { learned, text, refused: inner.refused, lesson: inner.lesson.clone() }
    }

    /// Restores earlier estimates and discards the passage that is being learned.
    pub(crate) fn put_back(&self, taught: &Taught) {
        let mut inner = self.inner();
        let Taught { learned, text, refused, lesson } = taught.clone();
        (inner.learned, inner.text, inner.refused) = (learned, text, refused);
        // Of linked instances, the latest choice counts.
        let again =
            |lesson: Arc<Lesson>| Lesson::now(lesson.learned.clone(), lesson.identities.clone());
        let nothing = || inner.is_linked.then(|| Lesson::now(None, Vec::new()));
        inner.lesson = lesson.map(again).or_else(nothing).map(Arc::new);
        inner.is_called_off = true;
        if let Some(learner) = &inner.learner {
            learner.call_off(inner.learned.clone());
        }
        drop(inner);
        self.has_news();
    }

    /// Prepares for a new passage after an earlier one was called off.
    pub(crate) fn begin(&self) {
        let mut inner = self.inner();
        // If no audio has run since, the worker has not yet applied the cancellation, which would
        // also prevent learning of the new passage. Giving the estimates again replaces it.
        if std::mem::take(&mut inner.is_called_off)
            && let Some(learner) = &inner.learner
        {
            learner.give(inner.learned.clone());
        }
    }

    /// Returns the estimates with which a new session starts.
    pub(crate) fn learned(&self) -> Option<Arc<Learned>> {
        self.inner().learned.clone()
    }

    /// Returns the learned estimates in their saved form.
    pub(crate) fn text(&self) -> Option<String> {
        let mut inner = self.inner();
        if inner.text.is_none()
            && let Some(learned) = &inner.learned
        {
            inner.text = Some(BASE64_STANDARD.encode(learned.to_bytes()));
        }
        inner.text.clone()
    }

    /// Keeps the estimates of a linked instance's session; on its worker.
    pub(crate) fn learn(&self, lesson: &Arc<Lesson>) {
        let mut inner = self.inner();
        inner.learned.clone_from(&lesson.learned);
        // The text is made when the host saves.
        (inner.text, inner.refused) = (None, None);
        inner.lesson = Some(Arc::clone(lesson));
        drop(inner);
        self.has_news();
    }

    /// Returns the estimates of a linked instance's session.
    pub(crate) fn lesson(&self) -> Option<Arc<Lesson>> {
        self.inner().lesson.clone()
    }

    /// Makes the loaded estimates those of a linked instance's session, with the time and the
    /// identities that were saved with them.
    pub(crate) fn assign(&self, stamp: u64, identities: Vec<u128>) {
        let mut inner = self.inner();
        let learned = inner.learned.clone();
        inner.lesson = (learned.is_some() || stamp > 0)
            .then(|| Arc::new(Lesson { stamp, learned, identities }));
    }

    /// Returns the reason why saved estimates could not be loaded.
    pub(crate) fn refused(&self) -> Option<Refused> {
        self.inner().refused
    }

    /// Returns the model to clean with: the one that the loaded session names, or the newest
    /// as fallback.
    pub(crate) fn model(&self) -> Option<&'static Release> {
        let inner = self.inner();
        let named = inner.model.as_ref().and_then(|(id, version)| models::named(id, version));
        named.or_else(models::released)
    }

    /// Returns the model that the loaded session names if this program does not contain it.
    pub(crate) fn missing_model(&self) -> Option<String> {
        let inner = self.inner();
        let (id, version) = inner.model.as_ref()?;
        models::named(id, version).is_none().then(|| format!("{id} {version}"))
    }

    /// Loads the saved estimates and model. They replace the present ones, even if the session
    /// has none.
    ///
    /// A running session uses the estimates from its next hop on, and the model from its next
    /// activation on.
    pub(crate) fn read(&self, text: Option<&str>, model: Option<(&str, &str)>) {
        let found = text.map(|text| {
            let bytes = BASE64_STANDARD.decode(text.trim()).map_err(|_| Refused::Text)?;
            Learned::from_bytes(&bytes).map_err(Refused::Bytes)
        });
        let mut inner = self.inner();
        (inner.learned, inner.refused) = match found {
            None => (None, None),
            Some(Ok(learned)) => (Some(Arc::new(learned)), None),
            Some(Err(refused)) => (None, Some(refused)),
        };
        // The text stays as it was, so that saving again gives the same result. Estimates written
        // by a newer version are kept for that version.
        let is_newer = matches!(inner.refused, Some(Refused::Bytes(LearnedError::Version { .. })));
        inner.text = text.filter(|_| inner.learned.is_some() || is_newer).map(str::to_owned);
        inner.model = model.map(|(id, version)| (id.to_owned(), version.to_owned()));
        if let Some(learner) = &inner.learner {
            learner.give(inner.learned.clone());
        }
    }
}

/// Returns estimates in the saved form of a newer version: this version cannot read them but must
/// not lose them.
#[cfg(test)]
pub(crate) fn learned_by_a_newer_version() -> String {
    BASE64_STANDARD.encode([b"UnspillL\xff".as_slice(), &[0; 64]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_in_place_of_what_was_learned_is_refused_and_leaves_nothing() {
        let kept = Kept::default();
        for (text, refused) in [
            ("", Refused::Bytes(LearnedError::NotLearned)),
            ("AAAA", Refused::Bytes(LearnedError::NotLearned)),
            ("not base64 at all", Refused::Text),
        ] {
            kept.read(Some(text), None);
            assert_eq!(kept.refused(), Some(refused), "{text}");
            assert!(kept.learned().is_none() && kept.text().is_none());
        }
        kept.read(None, None);
        assert_eq!(kept.refused(), None);
    }

    #[test]
    fn what_a_newer_version_learned_is_not_used_but_saved_again() {
        let kept = Kept::default();
        let text = learned_by_a_newer_version();
        kept.read(Some(&text), None);
        let refused = kept.refused().unwrap().to_string();
        assert_eq!(refused, "saved in format 255, but this version reads format 3");
        assert!(kept.learned().is_none());
        assert_eq!(kept.text(), Some(text));
    }

    #[test]
    fn a_session_gets_the_model_it_names_or_the_newest() {
        let kept = Kept::default();
        let newest = models::released().unwrap();
        let is_newest = |kept: &Kept| std::ptr::eq(kept.model().unwrap(), newest);
        assert!(is_newest(&kept) && kept.missing_model().is_none());
        kept.read(None, Some((&newest.card.id, &newest.card.version)));
        assert!(is_newest(&kept) && kept.missing_model().is_none());
        kept.read(None, Some(("band-z", "9.1.0")));
        assert!(is_newest(&kept));
        assert_eq!(kept.missing_model().as_deref(), Some("band-z 9.1.0"));
    }
}
