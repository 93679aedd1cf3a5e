//! Files of the page as parts of one document: the modules that one of them needs as an import map,
//! the style sheets as one text, the licences of what others wrote.

use crate::imports::{self, ImportError, PREFIX};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use thiserror::Error;

/// Files that do not make a document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum BundleError {
    /// A file that another one needs.
    #[error("there is no file `{0}`")]
    Missing(String),
    /// A module whose imports cannot be told.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A text that would end the element it stands in, or load something.
    #[error("`{path}` has `{found}` in it")]
    Text { path: String, found: &'static str },
}

/// Where files come from: the text of a path.
pub(crate) trait Files: Fn(&str) -> Option<String> {}
impl<F: Fn(&str) -> Option<String>> Files for F {}

/// What a document needs of the files of the page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// Name → address of each module, as JSON.
    pub(crate) import_map: String,
    /// Style sheets in the order of the page.
    pub(crate) style: String,
    /// Licences of the folders of `vendor/` that modules are from.
    pub(crate) licences: String,
}

/// Collects what the module `entry` needs, and the style sheets that the page `page` links.
///
/// # Errors
///
/// A file that is not there, or cannot stand in a document.
pub(crate) fn bundle(entry: &str, page: &str, files: &impl Files) -> Result<Bundle, BundleError> {
    let modules = closure(entry, files)?;
    let mut licences = String::new();
    let mut folders: Vec<&str> = modules.keys().filter_map(|path| vendor_folder(path)).collect();
    folders.dedup();
    for folder in folders {
        let path = format!("{folder}/LICENSE");
        let text = refusing(&path, read(&path, files)?, &["--"])?;
        licences.push_str(&format!("{folder}\n\n{}\n", text.trim()));
    }
    Ok(Bundle { import_map: import_map(&modules), style: style(page, files)?, licences })
}

fn read(path: &str, files: &impl Files) -> Result<String, BundleError> {
    files(path).ok_or_else(|| BundleError::Missing(path.into()))
}

/// The module `entry` and all that it imports, with bare names, by path.
fn closure(entry: &str, files: &impl Files) -> Result<BTreeMap<String, String>, BundleError> {
    let mut modules = BTreeMap::new();
    let mut open = vec![entry.to_owned()];
    while let Some(path) = open.pop() {
        if modules.contains_key(&path) {
            continue;
        }
        let module = imports::bare(&path, &read(&path, files)?)?;
        open.extend(module.imports);
        modules.insert(path, module.text);
    }
    Ok(modules)
}

/// Paths are of letters, digits and `-_./`: [`imports`] reads them between quotes and [`Files`] has
/// them, so nothing in them needs an escape.
fn import_map(modules: &BTreeMap<String, String>) -> String {
    let entries = modules.iter().map(|(path, text)| {
        let data = STANDARD.encode(text);
        format!("\"{PREFIX}{path}\":\"data:text/javascript;base64,{data}\"")
    });
    format!("{{\"imports\":{{{}}}}}", entries.collect::<Vec<_>>().join(",\n"))
}

/// `vendor/uplot` of `vendor/uplot/uPlot.esm.js`.
fn vendor_folder(path: &str) -> Option<&str> {
    let name = path.strip_prefix("vendor/")?.split('/').next()?;
    Some(&path[.."vendor/".len() + name.len()])
}

/// The style sheets that a page links, in their order: later ones win.
fn style(page: &str, files: &impl Files) -> Result<String, BundleError> {
    let html = read(page, files)?;
    let links = html.split("<link rel=\"stylesheet\" href=\"").skip(1);
    let mut style = String::new();
    for path in links.filter_map(|link| link.split('"').next()) {
        style.push_str(&refusing(path, read(path, files)?, &["</", "@import", "url("])?);
        style.push('\n');
    }
    Ok(style)
}

/// A text that has none of `unwanted` in it.
fn refusing(path: &str, text: String, unwanted: &[&'static str]) -> Result<String, BundleError> {
    match unwanted.iter().find(|unwanted| text.contains(**unwanted)) {
        Some(found) => Err(BundleError::Text { path: path.into(), found }),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files that make a document, and `(path, text)` instead of some of them.
    fn check(instead: &[(&str, &str)], expected: Result<(), &str>) {
        let usual = [
            (
                "index.html",
                "<link rel=\"stylesheet\" href=\"b.css\">\n<link rel=\"stylesheet\" href=\"a.css\">",
            ),
            ("a.css", "a{}"),
            ("b.css", "b{}"),
            ("main.js", "import \"./parts/one.js\";\nimport \"./vendor/x/x.js\";\n"),
            ("parts/one.js", "import { two } from \"./two.js\";\n"),
            ("parts/two.js", "import \"./one.js\";\nexport const two = \"二\";\n"),
            ("other.js", "import(\"elsewhere\");\n"),
            ("vendor/x/x.js", "export const x = 1;\n"),
            ("vendor/x/LICENSE", "as is\n"),
        ];
        let files = |path: &str| {
            let found = instead.iter().chain(&usual).find(|(name, _)| *name == path);
            found.map(|(_, text)| (*text).to_owned()).filter(|text| text != "gone")
        };
        let found = bundle("main.js", "index.html", &files);
        match expected {
            Err(part) => {
                let error = found.unwrap_err().to_string();
                assert!(error.contains(part), "{instead:?}: {error}");
            }
            Ok(()) => {
                let bundle = found.unwrap();
                assert_eq!(bundle.style, "b{}\na{}\n");
                assert_eq!(bundle.licences, "vendor/x\n\nas is\n");
                let names: Vec<_> =
                    bundle.import_map.split('"').filter(|part| part.starts_with(PREFIX)).collect();
                let expected =
                    ["acp/main.js", "acp/parts/one.js", "acp/parts/two.js", "acp/vendor/x/x.js"];
                assert_eq!(names, expected);
                let two = "import \"acp/parts/one.js\";\nexport const two = \"二\";\n";
                let address = format!("\"data:text/javascript;base64,{}\"", STANDARD.encode(two));
                assert!(bundle.import_map.contains(&address), "{}", bundle.import_map);
            }
        }
    }

    #[test]
    fn a_document_has_what_its_module_needs_and_nothing_else() {
        check(&[], Ok(()));
        for (instead, part) in [
            (("main.js", "gone"), "main.js"),
            (("parts/two.js", "gone"), "parts/two.js"),
            (("parts/two.js", "import(\"./a.js\");\n"), "parts/two.js"),
            (("a.css", "gone"), "a.css"),
            (("a.css", "a{background:url(b.png)}"), "url("),
            (("a.css", "@import \"b.css\";"), "@import"),
            (("a.css", "</style><script>"), "</"),
            (("index.html", "gone"), "index.html"),
            (("vendor/x/LICENSE", "gone"), "LICENSE"),
            (("vendor/x/LICENSE", "--> a"), "--"),
        ] {
            check(&[instead], Err(part));
        }
    }
}
