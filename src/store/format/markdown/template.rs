//! The tags of template languages in a text: `{{< hugo >}}`, `{{% hugo %}}`, `{{ zola() }}`,
//! `{% liquid %}`.
//!
//! They call programs that are not here, so they are left out. What stands between a pair of them
//! is text of the article and stays, but for comments, which were never meant to be seen. Tags in
//! code are left out too, as those programs fill them in there.

use std::borrow::Cow;
use std::ops::Range;

/// Openers with their closers; the longer openers first.
const KINDS: [(&str, &str); 4] = [("{{<", ">}}"), ("{{%", "%}}"), ("{{", "}}"), ("{%", "%}")];

/// The most bytes of one tag. A brace that closes farther away belongs to something else.
const MAX_TAG_BYTES: usize = 2_048;

/// A text without its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stripped<'a> {
    pub(super) text: Cow<'a, str>,
    /// How many tags were left out.
    pub(super) count: usize,
    /// The first of them: bytes of the text given.
    pub(super) first: Option<Range<usize>>,
}

/// Leaves the tags out of `text`. The time taken grows with the text alone.
pub(super) fn strip(text: &str) -> Stripped<'_> {
    let mut tags = Tags::new(text);
    let mut kept = String::new();
    let mut copied = 0;
    let mut count = 0;
    let mut first = None;
    while let Some(tag) = tags.next() {
        kept.push_str(&text[copied..tag.span.start]);
        copied = match tag.name {
            "comment" => tags.skip_to(&["endcomment", "/comment"]).end,
            "raw" => {
                let end = tags.skip_to(&["endraw"]);
                kept.push_str(&text[tag.span.end..end.start]);
                end.end
            }
            _ => tag.span.end,
        };
        count += 1;
        first.get_or_insert(tag.span);
    }
    let text = if count == 0 {
        Cow::Borrowed(text)
    } else {
        kept.push_str(&text[copied..]);
        Cow::Owned(kept)
    };
    Stripped { text, count, first }
}

/// One tag.
struct Tag<'a> {
    /// Its first word.
    name: &'a str,
    /// Where it stands.
    span: Range<usize>,
}

/// The tags of a text, one after another.
struct Tags<'a> {
    text: &'a str,
    at: usize,
    /// The closer of each kind found last. Without this memory, a text of openers alone would be
    /// searched to its end for each of them.
    closers: [usize; KINDS.len()],
}

impl<'a> Tags<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            closers: [0; KINDS.len()],
        }
    }

    /// Skips through the next tag with one of `names`, and says where it stands; without one, the
    /// end of the text.
    fn skip_to(&mut self, names: &[&str]) -> Range<usize> {
        self.find(|tag| names.contains(&tag.name))
            .map_or(self.text.len()..self.text.len(), |tag| tag.span)
    }

    /// The tag that begins at `open`, where one does.
    fn tag_at(&mut self, open: usize) -> Option<Tag<'a>> {
        let rest = &self.text[open..];
        let (kind, (opener, closer)) = KINDS
            .iter()
            .enumerate()
            .find(|(_, (opener, _))| rest.starts_with(opener))?;
        let inner = open + opener.len();
        let known = self.closers.get_mut(kind)?;
        if *known < inner {
            *known = self.text[inner..]
                .find(closer)
                .map_or(usize::MAX, |at| inner + at);
        }
        let close = *known;
        if close.saturating_sub(open) > MAX_TAG_BYTES {
            return None;
        }
        let name = self.text[inner..close]
            .trim_start_matches('-')
            .trim_start()
            .split(|c: char| c.is_whitespace() || c == '(')
            .next()
            .unwrap_or_default()
            .trim_end_matches('-');
        Some(Tag {
            name,
            span: open..close + closer.len(),
        })
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        while let Some(found) = self.text[self.at..].find('{') {
            let open = self.at + found;
            if let Some(tag) = self.tag_at(open) {
                self.at = tag.span.end;
                return Some(tag);
            }
            self.at = open + 1;
        }
        None
    }
}

#[cfg(test)]
mod tests;
