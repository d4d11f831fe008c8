//! Names of tracks in an `iXML` chunk, as written by recorders.

use roxmltree::{Document, Node, ParsingOptions};

/// Largest number of XML nodes, above that of any recorder; limits the memory for a malicious file.
const MOST_NODES: u32 = 100_000;

/// Returns the name of each of the file's channels, `None` for those without one. Invalid XML gives
/// no names.
pub(crate) fn track_names(text: &str, num_channels: usize) -> Vec<Option<String>> {
    let mut names = vec![None; num_channels];
    let text = text.trim_start_matches('\u{feff}').trim_matches(['\0', ' ', '\n', '\r', '\t']);
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let Ok(document) = Document::parse_with_options(text, options) else { return names };
    let tracks = document.descendants().filter(|node| node.has_tag_name("TRACK"));
    for (place, track) in (1..).zip(tracks) {
        // `INTERLEAVE_INDEX` counts the file's channels, `CHANNEL_INDEX` the recorder's inputs.
        let index = child(track, "INTERLEAVE_INDEX").or_else(|| child(track, "CHANNEL_INDEX"));
        let index = index.and_then(|index| index.parse().ok()).unwrap_or(place);
        let Some(slot) = usize::checked_sub(index, 1).and_then(|index| names.get_mut(index)) else {
            continue;
        };
        if slot.is_none() {
            *slot = child(track, "NAME").filter(|name| !name.is_empty()).map(str::to_owned);
        }
    }
    names
}

fn child<'a>(track: Node<'a, '_>, name: &str) -> Option<&'a str> {
    track
        .children()
        .find(|node| node.has_tag_name(name))
        .and_then(|node| node.text())
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_to_the_channels_that_they_are_given_for() {
        let text = "<?xml version=\"1.0\"?><BWFXML><TRACK_LIST><TRACK_COUNT>3</TRACK_COUNT>
            <TRACK><CHANNEL_INDEX>7</CHANNEL_INDEX><INTERLEAVE_INDEX>2</INTERLEAVE_INDEX>
                <NAME>Snare &amp; rim</NAME></TRACK>
            <TRACK><CHANNEL_INDEX>1</CHANNEL_INDEX><NAME> Kick </NAME></TRACK>
            <TRACK><INTERLEAVE_INDEX>9</INTERLEAVE_INDEX><NAME>Nobody</NAME></TRACK>
            <TRACK><INTERLEAVE_INDEX>0</INTERLEAVE_INDEX><NAME>Nobody</NAME></TRACK>
            </TRACK_LIST></BWFXML>\n\0\0";
        let expected = [Some("Kick".to_owned()), Some("Snare & rim".to_owned()), None];
        assert_eq!(track_names(text, 3), expected);
        assert_eq!(track_names("<BWFXML><TRACK>", 2), [None, None]);
        assert_eq!(track_names("", 2), [None, None]);
        // Deep and wide files must exhaust neither the stack nor the memory.
        assert_eq!(track_names(&"<a>".repeat(1_000_000), 1), [None]);
        let wide = format!("<TRACK><NAME>x</NAME>{}</TRACK>", "<a/>".repeat(200_000));
        assert_eq!(track_names(&wide, 1), [None]);
    }
}
