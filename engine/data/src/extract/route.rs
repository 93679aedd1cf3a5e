//! Paths → route templates, learned from the paths themselves: `/item/17?b=2&a=1` → `/item/{}?a&b`.
//!
//! A trie of segments, and behind each path the sets of parameter names that came with it. A segment that
//! looks like a value is `{}` at once. A node with more than [`MAX_CHILDREN`] words is collapsed: all of
//! them become `{}`, and what was below them becomes one. So it is with sets of names. The whole trie has
//! at most [`MAX_NODES`]: a word that comes after that is `{}`.
//!
//! A node that was merged into another has that one as its alias, so numbers given out before stay good.
//! What holds: once all paths were added, [`Routes::find`] of a path is what [`Routes::resolve`] makes of
//! the number that [`Routes::add`] gave for it, whatever the order of the paths was.
//! Children are in order of their names: the same paths give the same numbers.

use super::pattern::Pattern;
use super::shape::is_value;
use std::collections::BTreeMap;

/// Words that a node can have below it.
const MAX_CHILDREN: usize = 100;
/// Nodes of a trie, those that were merged included.
const MAX_NODES: usize = 1 << 17;
/// Segments that are told apart; the rest of a longer path is one.
const MAX_SEGMENTS: usize = 16;
/// Bytes of a set of names that is told from others.
const MAX_NAMES_BYTES: usize = 512;
/// Numbers from here on are those of patterns.
const FIRST_PATTERN: u32 = 1 << 31;

/// Number of a route.
pub(super) type RouteNumber = u32;

const ROOT: u32 = 0;

/// What leads to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Label {
    Word(Box<[u8]>),
    Any,
    /// All that is left of a path.
    Rest,
    Names(Box<[u8]>),
    AnyNames,
}

#[derive(Debug)]
struct Node {
    parent: u32,
    label: Label,
    words: BTreeMap<Box<[u8]>, u32>,
    any: Option<u32>,
    rest: Option<u32>,
    names: BTreeMap<Box<[u8]>, u32>,
    any_names: Option<u32>,
    has_no_words: bool,
    has_no_names: bool,
}

impl Node {
    fn new(parent: u32, label: Label) -> Self {
        Self {
            parent,
            label,
            words: BTreeMap::new(),
            any: None,
            rest: None,
            names: BTreeMap::new(),
            any_names: None,
            has_no_words: false,
            has_no_names: false,
        }
    }
}

/// Routes of a log.
#[derive(Debug)]
pub(super) struct Routes {
    patterns: Vec<Pattern>,
    nodes: Vec<Node>,
    /// Of each node: itself, or what it was merged into.
    aliases: Vec<u32>,
    /// Once set it stays: a word would be found later that was none before.
    is_full: bool,
    names: Vec<u8>,
}

impl Routes {
    /// Routes given by hand come first, in this order.
    pub(super) fn new(patterns: Vec<Pattern>) -> Self {
        Self {
            patterns,
            nodes: vec![Node::new(ROOT, Label::Rest)],
            aliases: vec![ROOT],
            is_full: false,
            names: Vec::new(),
        }
    }

    /// Adds a path with its query; gives the number of its route as far as is known by now.
    pub(super) fn add(&mut self, path: &[u8]) -> RouteNumber {
        let (path, query) = split_query(path);
        if let Some(number) = self.pattern(path) {
            return number;
        }
        let mut node = ROOT;
        for (place, segment) in segments(path).enumerate() {
            if place == MAX_SEGMENTS {
                node = self.rest_of(node);
                break;
            }
            node = self.add_segment(node, segment);
        }
        match query {
            Some(query) => self.add_names(node, query),
            None => node,
        }
    }

    /// The route of a path that was added before; none where it cannot have been.
    pub(super) fn find(&mut self, path: &[u8]) -> Option<RouteNumber> {
        let (path, query) = split_query(path);
        if let Some(number) = self.pattern(path) {
            return Some(number);
        }
        let mut at = ROOT;
        for (place, segment) in segments(path).enumerate() {
            let node = &self.nodes[at as usize];
            if place == MAX_SEGMENTS {
                at = node.rest?;
                break;
            }
            let word = if is_value(segment) { None } else { node.words.get(segment) };
            at = word.copied().or(node.any)?;
        }
        let Some(query) = query else { return Some(at) };
        let is_long = !names_of(query, &mut self.names);
        let node = &self.nodes[at as usize];
        let names = if is_long { None } else { node.names.get(&*self.names) };
        names.copied().or(node.any_names)
    }

    /// What a number that was given out is by now.
    pub(super) fn resolve(&self, number: RouteNumber) -> RouteNumber {
        let mut number = number;
        while number < FIRST_PATTERN && self.aliases[number as usize] != number {
            number = self.aliases[number as usize];
        }
        number
    }

    /// The template of a route.
    pub(super) fn template(&self, number: RouteNumber) -> String {
        let number = self.resolve(number);
        if let Some(pattern) = number.checked_sub(FIRST_PATTERN) {
            return self.patterns[pattern as usize].text().to_string();
        }
        let mut labels = Vec::new();
        let mut at = number;
        while at != ROOT {
            labels.push(&self.nodes[at as usize].label);
            at = self.resolve(self.nodes[at as usize].parent);
        }
        let mut text = String::new();
        for label in labels.into_iter().rev() {
            match label {
                Label::Word(word) => push(&mut text, '/', word),
                Label::Any => text.push_str("/{}"),
                Label::Rest => text.push_str("/{…}"),
                Label::Names(names) => push(&mut text, '?', names),
                Label::AnyNames => text.push_str("?{}"),
            }
        }
        text
    }

    fn pattern(&self, path: &[u8]) -> Option<RouteNumber> {
        let place = self.patterns.iter().position(|pattern| pattern.matches(path))?;
        u32::try_from(place).ok().map(|place| FIRST_PATTERN + place)
    }

    fn new_node(&mut self, parent: u32, label: Label) -> u32 {
        // One value below each segment is the most that a full trie still gets.
        let number = u32::try_from(self.nodes.len()).unwrap_or(FIRST_PATTERN - 1);
        assert!(number < FIRST_PATTERN - 1, "a trie has a limit");
        self.nodes.push(Node::new(parent, label));
        self.aliases.push(number);
        self.is_full |= self.nodes.len() >= MAX_NODES;
        number
    }

    fn add_segment(&mut self, at: u32, segment: &[u8]) -> u32 {
        let node = &self.nodes[at as usize];
        if !is_value(segment) {
            if let Some(&child) = node.words.get(segment) {
                return child;
            }
            if !node.has_no_words && !self.is_full {
                if node.words.len() < MAX_CHILDREN {
                    let child = self.new_node(at, Label::Word(segment.into()));
                    self.nodes[at as usize].words.insert(segment.into(), child);
                    return child;
                }
                self.collapse_words(at);
            }
        }
        self.any_of(at)
    }

    fn add_names(&mut self, at: u32, query: &[u8]) -> u32 {
        if names_of(query, &mut self.names) {
            let node = &self.nodes[at as usize];
            if let Some(&child) = node.names.get(&*self.names) {
                return child;
            }
            if !node.has_no_names && !self.is_full {
                if node.names.len() < MAX_CHILDREN {
                    let names: Box<[u8]> = (&*self.names).into();
                    let child = self.new_node(at, Label::Names(names.clone()));
                    self.nodes[at as usize].names.insert(names, child);
                    return child;
                }
                self.collapse_names(at);
            }
        }
        self.any_names_of(at)
    }

    fn any_of(&mut self, at: u32) -> u32 {
        if let Some(child) = self.nodes[at as usize].any {
            return child;
        }
        let child = self.new_node(at, Label::Any);
        self.nodes[at as usize].any = Some(child);
        child
    }

    fn rest_of(&mut self, at: u32) -> u32 {
        if let Some(child) = self.nodes[at as usize].rest {
            return child;
        }
        let child = self.new_node(at, Label::Rest);
        self.nodes[at as usize].rest = Some(child);
        child
    }

    fn any_names_of(&mut self, at: u32) -> u32 {
        if let Some(child) = self.nodes[at as usize].any_names {
            return child;
        }
        let child = self.new_node(at, Label::AnyNames);
        self.nodes[at as usize].any_names = Some(child);
        child
    }

    /// All words below a node become `{}`.
    fn collapse_words(&mut self, at: u32) {
        let any = self.any_of(at);
        let node = &mut self.nodes[at as usize];
        node.has_no_words = true;
        for child in std::mem::take(&mut node.words).into_values() {
            self.merge(any, child);
        }
    }

    /// All sets of names of a path become one.
    fn collapse_names(&mut self, at: u32) {
        let any = self.any_names_of(at);
        let node = &mut self.nodes[at as usize];
        node.has_no_names = true;
        for child in std::mem::take(&mut node.names).into_values() {
            self.aliases[child as usize] = any;
        }
    }

    /// Moves what is below `from` to `into`, whose alias it becomes.
    fn merge(&mut self, into: u32, from: u32) {
        let label = Label::Any;
        let moved = std::mem::replace(&mut self.nodes[from as usize], Node::new(into, label));
        self.aliases[from as usize] = into;
        for (word, child) in moved.words {
            match self.nodes[into as usize].words.get(&word) {
                Some(&same) => self.merge(same, child),
                None => self.adopt(into, child, |node| node.words.insert(word, child)),
            }
        }
        for (names, child) in moved.names {
            match self.nodes[into as usize].names.get(&names) {
                Some(&same) => self.aliases[child as usize] = same,
                None => self.adopt(into, child, |node| node.names.insert(names, child)),
            }
        }
        if let Some(child) = moved.any {
            match self.nodes[into as usize].any {
                Some(same) => self.merge(same, child),
                None => self.adopt(into, child, |node| node.any.replace(child)),
            }
        }
        if let Some(child) = moved.rest {
            match self.nodes[into as usize].rest {
                Some(same) => self.merge(same, child),
                None => self.adopt(into, child, |node| node.rest.replace(child)),
            }
        }
        if let Some(child) = moved.any_names {
            match self.nodes[into as usize].any_names {
                Some(same) => self.aliases[child as usize] = same,
                None => self.adopt(into, child, |node| node.any_names.replace(child)),
            }
        }
        self.settle(into, moved.has_no_words, moved.has_no_names);
    }

    fn adopt<T>(&mut self, parent: u32, child: u32, put: impl FnOnce(&mut Node) -> Option<T>) {
        self.nodes[child as usize].parent = parent;
        let before = put(&mut self.nodes[parent as usize]);
        debug_assert!(before.is_none(), "nothing was there");
    }

    /// A node that took over another may have too much below it. In a full trie a word of one may have
    /// been a value to the other.
    fn settle(&mut self, at: u32, other_has_no_words: bool, other_has_no_names: bool) {
        let node = &self.nodes[at as usize];
        let has_no_words = node.has_no_words || other_has_no_words || self.is_full;
        let has_no_names = node.has_no_names || other_has_no_names || self.is_full;
        if !node.words.is_empty() && (has_no_words || node.words.len() > MAX_CHILDREN) {
            self.collapse_words(at);
        }
        let node = &self.nodes[at as usize];
        if !node.names.is_empty() && (has_no_names || node.names.len() > MAX_CHILDREN) {
            self.collapse_names(at);
        }
        let node = &mut self.nodes[at as usize];
        node.has_no_words |= has_no_words;
        node.has_no_names |= has_no_names;
    }
}

fn push(text: &mut String, mark: char, label: &[u8]) {
    text.push(mark);
    text.push_str(&String::from_utf8_lossy(label));
}

fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.get(1..).unwrap_or_default().split(|byte| *byte == b'/')
}

/// The path, and its query where it has one.
fn split_query(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'?', path) {
        Some(at) => (&path[..at], Some(&path[at + 1..]).filter(|query| !query.is_empty())),
        None => (path, None),
    }
}

/// The names of a query, sorted, each once, with `&` between them. Whether they are short enough to be
/// told from others.
fn names_of(query: &[u8], to: &mut Vec<u8>) -> bool {
    to.clear();
    if query.len() > 16 * MAX_NAMES_BYTES {
        return false;
    }
    let mut names: Vec<&[u8]> = query
        .split(|byte| matches!(byte, b'&' | b';'))
        .filter(|pair| !pair.is_empty())
        .map(|pair| &pair[..memchr::memchr(b'=', pair).unwrap_or(pair.len())])
        .map(|name| if is_value(name) { b"{}".as_slice() } else { name })
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        if !to.is_empty() {
            to.push(b'&');
        }
        to.extend(name);
    }
    to.len() <= MAX_NAMES_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn templates(routes: &mut Routes, paths: &[String]) -> Vec<String> {
        for path in paths {
            routes.add(path.as_bytes());
        }
        let numbers: Vec<_> = paths.iter().map(|path| routes.find(path.as_bytes())).collect();
        numbers.into_iter().map(|number| routes.template(number.unwrap())).collect()
    }

    #[test]
    fn templates_are_what_the_table_says() {
        for (path, expected) in [
            ("/", "/"),
            ("//", "//"),
            ("/a/", "/a/"),
            ("/a/b", "/a/b"),
            ("/a/17", "/a/{}"),
            ("/a/17/c", "/a/{}/c"),
            ("/a?", "/a"),
            ("/a?b=1", "/a?b"),
            ("/a?b=1&a=2&b=3", "/a?a&b"),
            ("/a?b;c=1&&", "/a?b&c"),
            ("/a?1699999999", "/a?{}"),
            ("/a?x=/b?c", "/a?x"),
            (&"/7".repeat(18), &("/{}".repeat(16) + "/{…}")),
            (&"/7".repeat(16), &"/{}".repeat(16)),
        ] {
            let mut routes = Routes::new(Vec::new());
            assert_eq!(templates(&mut routes, &[path.into()]), [expected], "{path}");
        }
    }

    #[test]
    fn words_of_which_there_are_many_are_values() {
        let mut routes = Routes::new(Vec::new());
        let names: String = "abcdefghijk".into();
        let words: Vec<String> = names
            .chars()
            .flat_map(|first| names.chars().map(move |second| format!("{first}{second}")))
            .collect();
        assert!(words.len() > MAX_CHILDREN);
        let mut paths: Vec<_> = words.iter().map(|word| format!("/user/{word}/mail")).collect();
        paths.extend(words.iter().take(3).map(|word| format!("/user/{word}")));
        paths.extend(words.iter().map(|word| format!("/q?{word}=1")));
        paths.push("/user/new-one/mail?box=1".into());
        paths.push("/other/aa/mail".into());
        let found = templates(&mut routes, &paths);
        let expected = words.iter().map(|_| "/user/{}/mail");
        let expected = expected.chain(["/user/{}"; 3]).chain(words.iter().map(|_| "/q?{}"));
        let expected: Vec<_> = expected.chain(["/user/{}/mail?box", "/other/aa/mail"]).collect();
        assert_eq!(found, expected);
        assert_eq!(routes.find(b"/no/such"), None);
        assert_eq!(routes.find(b"/user"), Some(routes.resolve(1)));
    }

    #[test]
    fn patterns_win() {
        let patterns = ["/item/{id}", "/item/*"].map(|text| Pattern::parse(text).unwrap());
        let mut routes = Routes::new(patterns.to_vec());
        let paths = ["/item/new", "/item/new?a=1", "/item/5/6", "/items"].map(String::from);
        let found = templates(&mut routes, &paths);
        assert_eq!(found, ["/item/{id}", "/item/{id}", "/item/*", "/items"]);
    }

    #[test]
    fn a_trie_has_a_limit() {
        let mut routes = Routes::new(Vec::new());
        let letters = |number: u32| -> String {
            (0..4)
                .map(|place| char::from(b'g' + u8::try_from(number >> (4 * place) & 15).unwrap()))
                .collect()
        };
        // Few words at each place, but a tree of them.
        let paths: Vec<String> = (0..60_000_u32)
            .map(|number| {
                let parts = [number % 90, number / 90 % 90, number / 8100, number % 7];
                let [first, second, third, last] = parts.map(letters);
                format!("/{first}/{second}/{third}/{last}?{third}")
            })
            .collect();
        let numbers: Vec<_> = paths.iter().map(|path| routes.add(path.as_bytes())).collect();
        assert!(
            routes.is_full && routes.nodes.len() < MAX_NODES + 100_000,
            "{}",
            routes.nodes.len()
        );
        for (path, number) in paths.iter().zip(numbers) {
            assert_eq!(routes.find(path.as_bytes()), Some(routes.resolve(number)), "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_was_given(
            paths in proptest::collection::vec("(/[a-z]{1,2}){1,3}(\\?[a-c]{1,2}=1)?", 1..400),
        ) {
            let mut routes = Routes::new(Vec::new());
            let numbers: Vec<_> = paths.iter().map(|path| routes.add(path.as_bytes())).collect();
            for (path, number) in paths.iter().zip(numbers) {
                prop_assert_eq!(routes.find(path.as_bytes()), Some(routes.resolve(number)));
            }
        }

        #[test]
        fn the_order_of_paths_changes_no_template(
            paths in proptest::collection::vec("(/[a-z]{1,2}){1,3}", 1..400), by in 0..400_usize,
        ) {
            let mut turned = paths.clone();
            turned.rotate_left(by % paths.len());
            let mut found = templates(&mut Routes::new(Vec::new()), &turned);
            found.rotate_right(by % paths.len());
            prop_assert_eq!(found, templates(&mut Routes::new(Vec::new()), &paths));
        }
    }
}
