//! Texts of which a row has one.

use super::alias::Alias;
use crate::random::Random;
use std::sync::Arc;

/// Which text a row has.
#[derive(Clone, Debug, PartialEq)]
enum Choice {
    Even,
    Weighted(Arc<Alias>),
    /// The first in row 0, the second in row 1, and from the first again.
    InTurn,
}

/// Texts, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct List {
    choice: Choice,
    texts: Arc<Texts>,
}

#[derive(Debug, Default, PartialEq)]
struct Texts {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    longest: usize,
}

impl Texts {
    fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
        self.longest = self.longest.max(text.len());
    }

    #[inline]
    fn get(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[number]]
    }
}

impl List {
    /// Texts that are as likely as each other, or as their weights say. There is at least one.
    pub(super) fn random<'a>(
        texts: impl IntoIterator<Item = &'a [u8]>,
        weights: Option<Alias>,
    ) -> Self {
        let choice = weights.map_or(Choice::Even, |weights| Choice::Weighted(Arc::new(weights)));
        Self { choice, texts: Arc::new(Texts::of(texts)) }
    }

    /// Texts that come in turn. There is at least one.
    pub(super) fn in_turn<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self { choice: Choice::InTurn, texts: Arc::new(Texts::of(texts)) }
    }

    /// The same with other texts.
    pub(super) fn map(&self, change: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        let mut texts = Texts::default();
        self.texts().for_each(|text| texts.push(&change(text)));
        Self { choice: self.choice.clone(), texts: Arc::new(texts) }
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.texts.ends.len()).map(|number| self.texts.get(number))
    }

    /// Bytes of the longest.
    pub(super) fn longest(&self) -> usize {
        self.texts.longest
    }

    /// The text of a row.
    #[inline]
    pub(super) fn draw(&self, row: u64, random: &mut Random) -> &[u8] {
        let count = self.texts.ends.len();
        let number = match &self.choice {
            Choice::Even => random.index(count),
            Choice::Weighted(alias) => alias.draw(random),
            Choice::InTurn => usize::try_from(row % count as u64).unwrap_or(0),
        };
        self.texts.get(number)
    }
}

impl Texts {
    fn of<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut all = Self::default();
        texts.into_iter().for_each(|text| all.push(text));
        all
    }
}
