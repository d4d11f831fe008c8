//! What a training tells: the lines that `lab train --progress json` writes.

use serde::Deserialize;

/// One line.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// Something for people.
    Say(String),
    /// How far it is.
    At {
        /// What is counted.
        what: String,
        /// How many are done.
        position: usize,
        /// Of how many.
        total: usize,
    },
    /// A step was taken; means over the last ones.
    Training {
        /// The loss.
        loss: f64,
        /// SNR of the clips in dB.
        snr_db: f64,
    },
    /// A validation was made.
    Validation {
        /// SNR in dB.
        snr_db: f64,
    },
}

impl Event {
    /// Reads a line; whatever is no event is said.
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
