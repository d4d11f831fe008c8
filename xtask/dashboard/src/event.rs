//! Progress events of a training: the lines written by `lab train --progress json`.

use serde::Deserialize;

/// One event.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// A message for the user.
    Say(String),
    /// The progress of the current task.
    At {
        /// Name of the counted things.
        what: String,
        /// Number of finished things.
        position: usize,
        /// Total number of things.
        total: usize,
    },
    /// Means over the last training steps.
    Training {
        /// Training loss.
        loss: f64,
        /// SNR of the clips in dB.
        snr_db: f64,
    },
    /// Result of a validation.
    Validation {
        /// SNR in dB.
        snr_db: f64,
    },
}

impl Event {
    /// Parses a line; a line that is no event becomes a message.
    pub(crate) fn of(line: String) -> Self {
        serde_json::from_str(&line).unwrap_or(Self::Say(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_events_and_all_others_are_said() {
        let of = |line: &str| Event::of(line.to_owned());
        let at = Event::At { what: "steps".to_owned(), position: 3, total: 9 };
        assert_eq!(of(r#"{"at":{"what":"steps","position":3,"total":9}}"#), at);
        assert_eq!(
            of(r#"{"training":{"loss":0.5,"snr_db":7}}"#),
            Event::Training { loss: 0.5, snr_db: 7.0 }
        );
        assert_eq!(of(r#"{"say":"done"}"#), Event::Say("done".to_owned()));
        for line in ["error: no such file", r#"{"other":1}"#, "{", ""] {
            assert_eq!(of(line), Event::Say(line.to_owned()));
        }
    }
}
