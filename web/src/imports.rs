//! Imports of an ES module: its text and path come in, the text with bare names and the paths of what
//! it imports go out.
//!
//! This is no parser of JavaScript. Our modules have their imports on top, between nothing but
//! comments, and no other; whatever else has the word `import` in it is refused, so that nothing is
//! left behind that a file without a server could not load.

use thiserror::Error;

/// What stands before a path to make it a name of an import map.
pub(crate) const PREFIX: &str = "acp/";

/// A module that cannot be told apart from its imports.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum ImportError {
    /// An import that is not one of the known forms.
    #[error("`{module}`: failed to read the import `{found}`")]
    Form { module: String, found: String },
    /// The word, below the top of the file.
    #[error("`{module}`: `{line}` imports below the top of the file")]
    Below { module: String, line: String },
    /// A name that is not a path of ours.
    #[error("`{module}`: `{name}` is not a path to another module: it begins with ./ or ../")]
    Name { module: String, name: String },
}

/// A module without its relative paths.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Module {
    /// The text; `from "./dom.js"` in it is `from "acp/dom.js"`.
    pub(crate) text: String,
    /// Paths that it imports, from the root of the page, in their order.
    pub(crate) imports: Vec<String>,
}

/// Gives what a module imports bare names.
///
/// # Errors
///
/// An import of a form that is not known.
pub(crate) fn bare(path: &str, text: &str) -> Result<Module, ImportError> {
    let mut module = Module { text: String::with_capacity(text.len()), imports: Vec::new() };
    let mut rest = text;
    loop {
        let (comments, after) = rest.split_at(blank_len(rest));
        module.text.push_str(comments);
        rest = after;
        if !starts_with_word(rest, "import") {
            break;
        }
        let form = || ImportError::Form { module: path.into(), found: first_line(rest).into() };
        let statement = Statement::read(rest).ok_or_else(form)?;
        let imported = resolve(path, statement.name)?;
        module.text.push_str(&rest[..statement.name_at]);
        module.text.push_str(PREFIX);
        module.text.push_str(&imported);
        module.imports.push(imported);
        rest = &rest[statement.name_at + statement.name.len()..];
        let (end, after) = rest.split_at(statement.end_len);
        module.text.push_str(end);
        rest = after;
    }
    refuse_below(path, rest)?;
    module.text.push_str(rest);
    Ok(module)
}

/// `import … from "name";`
struct Statement<'a> {
    name: &'a str,
    /// Where the name begins, behind its quote.
    name_at: usize,
    /// Quote and semicolon behind the name.
    end_len: usize,
}

impl<'a> Statement<'a> {
    /// The statement at the start of `text`; none where it is of a form that is not known.
    fn read(text: &'a str) -> Option<Self> {
        let quote = text.find('"')?;
        let clause: Vec<&str> = tokens(&text[..quote]);
        let is_known = match clause.as_slice() {
            ["import"] => true,
            ["import", bindings @ .., "from"] => is_bindings(bindings),
            _ => false,
        };
        let behind = &text[quote + 1..];
        let name = &behind[..behind.find(['"', '\n'])?];
        (is_known && behind[name.len()..].starts_with("\";")).then_some(Self {
            name,
            name_at: quote + 1,
            end_len: 2,
        })
    }
}

/// Words and signs of a statement.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for part in text.split_whitespace() {
        let signs = part.split_inclusive(|c| !is_word(c));
        for piece in signs {
            let word = piece.trim_end_matches(|c| !is_word(c));
            tokens
                .extend([word, &piece[word.len()..]].into_iter().filter(|token| !token.is_empty()));
        }
    }
    tokens
}

/// `whole`, `* as whole`, `{ one, two as three }`, `whole, { one }`.
fn is_bindings(tokens: &[&str]) -> bool {
    let is_name = |token: &str| token.chars().all(is_word);
    match tokens {
        [name] => is_name(name),
        ["*", "as", name] => is_name(name),
        [name, ",", rest @ ..] if is_name(name) => rest.len() > 1 && is_bindings(rest),
        ["{", named @ .., "}"] => {
            let named = named.strip_suffix(&[","]).unwrap_or(named);
            named.split(|token| *token == ",").all(|one| match one {
                [name] => is_name(name),
                [name, "as", other] => is_name(name) && is_name(other),
                _ => false,
            })
        }
        _ => false,
    }
}

/// Length of the white space and comments that `text` begins with.
fn blank_len(text: &str) -> usize {
    let mut rest = text.trim_start();
    loop {
        let after = match rest.get(..2) {
            Some("//") => rest.split_once('\n').map_or("", |(_, after)| after),
            Some("/*") => rest[2..].split_once("*/").map_or("", |(_, after)| after),
            _ => return text.len() - rest.len(),
        };
        rest = after.trim_start();
    }
}

/// Refuses imports, and exports of what another module has, in what follows the top of a file.
fn refuse_below(path: &str, text: &str) -> Result<(), ImportError> {
    for line in text.lines() {
        let code = without_comments(line.trim());
        let exports_another =
            starts_with_word(&code, "export") && !is_own_export(code["export".len()..].trim());
        if exports_another || has_word(&code, "import") {
            return Err(ImportError::Below { module: path.into(), line: line.trim().into() });
        }
    }
    Ok(())
}

/// Whether `export` is followed by a declaration, or by names of this module.
fn is_own_export(what: &str) -> bool {
    match what.strip_prefix('{') {
        Some(names) => names.trim_end_matches(';').trim_end().ends_with('}'),
        None => !what.starts_with('*'),
    }
}

/// A line without what is certainly a comment.
fn without_comments(line: &str) -> String {
    if ["//", "/*", "*"].iter().any(|start| line.starts_with(start)) && !line.contains("*/") {
        return String::new();
    }
    let mut code = String::new();
    // The last line of a comment of several.
    let mut rest = match line.starts_with('*') {
        true => line.split_once("*/").map_or(line, |(_, after)| after),
        false => line,
    };
    while let Some((before, comment)) = rest.split_once("/*") {
        code.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    code + rest
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|after| !after.starts_with(is_word))
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|c| !is_word(c)).any(|one| one == word)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The path from the root of what `name` means in the module `path`.
fn resolve(path: &str, name: &str) -> Result<String, ImportError> {
    let refused = || ImportError::Name { module: path.into(), name: name.into() };
    if !(name.starts_with("./") || name.starts_with("../")) {
        return Err(refused());
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop().ok_or_else(refused)?;
            }
            "" => return Err(refused()),
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
#[path = "imports_tests.rs"]
mod tests;
