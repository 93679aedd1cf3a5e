//! Keys, and what they ask for.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Stop as a signal would.
    Interrupt,
    /// Pause, or go on.
    Pause,
    /// A higher rate.
    Faster,
    /// A lower rate.
    Slower,
    /// Show the help, or hide it.
    Help,
    /// Hide the help.
    Close,
    /// Draw everything again.
    Redraw,
}

/// The keys as the help lists them.
pub(super) const HELP: [(&str, &str); 6] = [
    ("q, Ctrl-C", "stop: what was sent is waited for, then the report"),
    ("Ctrl-C again", "leave at once, without a report"),
    ("p, space", "pause, or go on"),
    ("+ and -", "10 % more or less rate, in an open loop"),
    ("Ctrl-L", "draw everything again"),
    ("?, Esc", "this help"),
];

/// What a key asks for; nothing where it has no meaning.
pub(super) fn action_of(key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c' | 'C') => Some(Action::Interrupt),
            KeyCode::Char('l' | 'L') => Some(Action::Redraw),
            _ => None,
        };
    }
    if key.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    match key.code {
        KeyCode::Char('q' | 'Q') => Some(Action::Interrupt),
        KeyCode::Char('p' | 'P' | ' ') => Some(Action::Pause),
        KeyCode::Char('+' | '=') => Some(Action::Faster),
        KeyCode::Char('-' | '_') => Some(Action::Slower),
        KeyCode::Char('?' | 'h') => Some(Action::Help),
        KeyCode::Esc => Some(Action::Close),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: KeyCode, modifiers: KeyModifiers, expect: Option<Action>) {
        let key = KeyEvent::new(code, modifiers);
        assert_eq!(action_of(key), expect, "{code:?} with {modifiers:?}");
    }

    #[test]
    fn keys_ask_for_what_the_table_says() {
        const NONE: KeyModifiers = KeyModifiers::NONE;
        const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
        const CONTROL: KeyModifiers = KeyModifiers::CONTROL;
        const ALT: KeyModifiers = KeyModifiers::ALT;
        for (key, modifiers, expect) in [
            ('q', NONE, Some(Action::Interrupt)),
            ('Q', SHIFT, Some(Action::Interrupt)),
            ('c', CONTROL, Some(Action::Interrupt)),
            ('p', NONE, Some(Action::Pause)),
            (' ', NONE, Some(Action::Pause)),
            ('+', SHIFT, Some(Action::Faster)),
            ('=', NONE, Some(Action::Faster)),
            ('-', NONE, Some(Action::Slower)),
            ('?', SHIFT, Some(Action::Help)),
            ('l', CONTROL, Some(Action::Redraw)),
            ('c', NONE, None),
            ('l', NONE, None),
            ('q', CONTROL, None),
            ('z', CONTROL, None),
            ('p', CONTROL, None),
            ('q', ALT, None),
            ('+', ALT, None),
            ('x', NONE, None),
            ('é', NONE, None),
        ] {
            check(KeyCode::Char(key), modifiers, expect);
        }
        check(KeyCode::Esc, NONE, Some(Action::Close));
        check(KeyCode::Enter, NONE, None);
        check(KeyCode::F(1), NONE, None);
    }

    #[test]
    fn a_key_counts_when_it_is_pressed() {
        let mut key = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        key.kind = KeyEventKind::Repeat;
        assert_eq!(action_of(key), Some(Action::Interrupt));
        key.kind = KeyEventKind::Release;
        assert_eq!(action_of(key), None);
    }
}
