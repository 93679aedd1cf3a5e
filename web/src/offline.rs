//! A report as one HTML file that opens from a disk: two documents come in, the page with its charts
//! goes out. It needs no server and no internet, and its policy forbids to ask for either.

use crate::Pages;
use crate::bundle::{Bundle, bundle};

/// The module that shows the documents.
const ENTRY: &str = "offline.js";

/// The page whose style sheets it has.
const PAGE: &str = "index.html";

/// Scripts are inline or in the import map; nothing can be asked for.
const POLICY: &str = concat!(
    "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; ",
    "img-src data:; base-uri 'none'; form-action 'none'",
);

/// Makes the file of a report. `report` is a document `acp.report/1`, whose `series` may be empty;
/// `columns` is the answer of `runs/{id}/series` for the same run. Both are JSON and stay text,
/// whatever is in them.
///
/// # Panics
///
/// The files of the page do not fit together: a bug, which a test of this module finds.
#[must_use]
pub fn report(report: &str, columns: &str) -> String {
    let embedded = |path: &str| {
        let file = Pages::get(path)?;
        String::from_utf8(file.data.into_owned()).ok()
    };
    match bundle(ENTRY, PAGE, &embedded) {
        Ok(parts) => document(&parts, report, columns),
        Err(error) => panic!("the page cannot be one file: {error}"),
    }
}

fn document(parts: &Bundle, report: &str, columns: &str) -> String {
    let Bundle { import_map, style, licences } = parts;
    let (report, columns) = (inert(report), inert(columns));
    format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>acp</title>\n\
         <!--\n{licences}-->\n\
         <style>\n{style}</style>\n\
         <script type=\"importmap\">{import_map}</script>\n\
         <script type=\"module\">import \"acp/{ENTRY}\";</script>\n\
         </head>\n\
         <body>\n\
         <noscript>This report needs scripts; it asks for nothing from outside of this file.</noscript>\n\
         <script type=\"application/json\" id=\"report\">{report}</script>\n\
         <script type=\"application/json\" id=\"columns\">{columns}</script>\n\
         </body>\n\
         </html>\n"
    )
}

/// JSON that cannot end the element it stands in: `<` is only ever inside of its texts.
fn inert(json: &str) -> String {
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    /// What asks somebody.
    const QUESTIONS: [&str; 6] =
        ["fetch(", "EventSource", "XMLHttpRequest", "WebSocket", "sendBeacon", "importScripts"];
    /// A name, and nothing to be asked.
    const SVG: &str = "http://www.w3.org/2000/svg";
    /// Its comments say where its ideas are from.
    const UPLOT: &str = "vendor/uplot/uPlot.esm.js";

    /// Path and text of each module of a file.
    fn modules(file: &str) -> Vec<(String, String)> {
        let module = |entry: &str| {
            let (path, data) = entry.split_once("\":\"data:text/javascript;base64,")?;
            let bytes = STANDARD.decode(data.split('"').next()?).ok()?;
            Some((path.to_owned(), String::from_utf8(bytes).ok()?))
        };
        let map = file.split("<script type=\"importmap\">").nth(1).unwrap();
        let map = map.split("</script>").next().unwrap();
        let entries = map.split("\"acp/").skip(1);
        entries.map(|entry| module(entry).unwrap_or_else(|| panic!("`{entry}`"))).collect()
    }

    /// What in a module might ask somebody.
    fn questions(path: &str, text: &str) -> Vec<String> {
        let asks = |line: &&str| {
            let line = line.replace(SVG, "");
            let is_address = ["http:", "https:"].iter().any(|scheme| {
                line.split_once(&format!("{scheme}//"))
                    .is_some_and(|(before, _)| path != UPLOT || !is_comment(before))
            });
            is_address || QUESTIONS.iter().any(|question| line.contains(question))
        };
        text.lines().filter(asks).map(|line| format!("{path}: {}", line.trim())).collect()
    }

    /// Whether what follows this part of a line is a comment.
    fn is_comment(before: &str) -> bool {
        before.contains("//") || before.trim_start().starts_with(['*', '/'])
    }

    #[test]
    fn the_files_of_the_page_make_a_report() {
        let file = report("{\"run\":{\"id\":\"1\"}}", "{\"width_s\":1}");
        for part in [
            "id=\"report\">{\"run\":{\"id\":\"1\"}}</script>",
            "id=\"columns\">{\"width_s\":1}</script>",
            "\"acp/offline.js\":\"data:",
            "\"acp/vendor/uplot/uPlot.esm.js\":\"data:",
            "Leon Sorokin",
            "MIT",
            "--accent:",
        ] {
            assert!(file.contains(part), "`{part}`");
        }
        for outside in ["src=", "href=", "url(", "@import", "http://", "fetch("] {
            assert!(!file.contains(outside), "`{outside}`");
        }
        let addresses = file.matches("https://").count();
        assert_eq!(addresses, 0, "nothing in it is an address");
        let modules = modules(&file);
        assert!(modules.len() > 10 && modules.iter().any(|(path, _)| path == UPLOT));
        let all = modules.iter().flat_map(|(path, text)| questions(path, text));
        assert_eq!(all.collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn a_module_that_asks_somebody_is_found() {
        for (path, text, is_found) in [
            ("a.js", "const a = 1;\n// nothing", false),
            ("a.js", "const SVG = \"http://www.w3.org/2000/svg\";", false),
            ("a.js", "get(\"http://www.w3.org/2000/svg\", \"http://www.w3.org/\")", true),
            ("a.js", "const a = 1;\n  await fetch(\"b\");", true),
            ("a.js", "new EventSource(a)", true),
            ("a.js", "new XMLHttpRequest()", true),
            ("a.js", "image.src = \"https://a.example/\"", true),
            ("a.js", "// see https://a.example/", true),
            (UPLOT, "// see https://a.example/", false),
            (UPLOT, " * https://a.example/", false),
            (UPLOT, "image.src = \"https://a.example/\"", true),
            (UPLOT, "a(); fetch(b); // see https://a.example/", true),
        ] {
            assert_eq!(!questions(path, text).is_empty(), is_found, "{path}: {text}");
        }
    }

    fn parts() -> Bundle {
        Bundle { import_map: "{}".into(), style: String::new(), licences: String::new() }
    }

    #[test]
    fn a_name_cannot_become_a_script() {
        for name in ["</script><script>alert(1)</script>", "<!--<script>", "</SCRIPT >", "a<b"] {
            let json = format!("{{\"name\":\"{name}\"}}");
            let file = document(&parts(), &json, &json);
            assert!(!file.contains(name), "{name}");
            assert_eq!(file.matches("<script").count(), 4, "{name}");
            assert_eq!(file.matches("\\u003c").count(), 2 * name.matches('<').count(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn documents_come_back_as_they_were(text in "[a-z<>/!\\-\\\\u03c]{0,40}") {
            // Whatever a JSON text is, a reader of JSON takes `\u003c` for `<`.
            let kept = inert(&text);
            prop_assert!(!kept.contains('<'));
            prop_assert_eq!(kept.len(), text.len() + 5 * text.matches('<').count());
        }
    }
}
