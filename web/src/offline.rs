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
    use proptest::prelude::*;

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
