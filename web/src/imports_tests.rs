//! What is read as an import, and what is refused.

use super::*;

/// The text and the imports of `pages/run.js`, or the kind of error.
fn check(text: &str, expected: Result<(&str, &[&str]), &str>) {
    let found = bare("pages/run.js", text);
    let found = match &found {
        Ok(module) => Ok((
            module.text.as_str(),
            module.imports.iter().map(String::as_str).collect::<Vec<_>>(),
        )),
        Err(ImportError::Form { .. }) => Err("form"),
        Err(ImportError::Below { .. }) => Err("below"),
        Err(ImportError::Name { .. }) => Err("name"),
    };
    assert_eq!(found, expected.map(|(text, imports)| (text, imports.to_vec())), "`{text}`");
}

#[test]
fn imports_get_bare_names() {
    for (text, bare, imports) in [
        ("let one = 1;\n", "let one = 1;\n", &[][..]),
        ("", "", &[]),
        ("import \"./a.js\";", "import \"acp/pages/a.js\";", &["pages/a.js"]),
        ("import a from \"../a.js\";\n", "import a from \"acp/a.js\";\n", &["a.js"]),
        (
            "import * as a from \"./b/a.js\";",
            "import * as a from \"acp/pages/b/a.js\";",
            &["pages/b/a.js"],
        ),
        ("import a, { b } from \"../a.js\";", "import a, { b } from \"acp/a.js\";", &["a.js"]),
        (
            "import {a as b,$c} from \"../a.js\";",
            "import {a as b,$c} from \"acp/a.js\";",
            &["a.js"],
        ),
        (
            "// A noun.\n\nimport {\n  a,\n  b,\n} from \"../a.js\";\n/* and\n * more */\nimport \"../b.js\";\nf();\n",
            "// A noun.\n\nimport {\n  a,\n  b,\n} from \"acp/a.js\";\n/* and\n * more */\nimport \"acp/b.js\";\nf();\n",
            &["a.js", "b.js"],
        ),
    ] {
        check(text, Ok((bare, imports)));
    }
}

#[test]
fn comments_and_own_exports_stay() {
    for text in [
        "/** @param {import(\"./a.js\").A} a */\nfunction f(a) {}\n",
        "const a = /** @type {import(\"./a.js\").A} */ (b);\n",
        "/**\n * @typedef {import(\"./a.js\").A} A\n * import it */\nf();\n",
        "f();\n// import is a word\n",
        "const importance = 1, reimport = 2;\n",
        "export const a = 1;\nexport function f() {}\nexport { a as b };\nexport default a;\n",
        "// only a comment",
        "/* not ended",
    ] {
        check(text, Ok((text, &[])));
    }
}

#[test]
fn forms_that_are_not_known_are_refused() {
    for (text, error) in [
        ("import a from './a.js';\n", "form"),
        ("import a from \"./a.js\"\n", "form"),
        ("import a from \"./a.json\" with { type: \"json\" };\n", "form"),
        ("import a from \"./a\n.js\";\n", "form"),
        ("import a, b from \"./a.js\";\n", "form"),
        ("import { a b } from \"./a.js\";\n", "form"),
        ("import { a \"./a.js\";\n", "form"),
        ("import * from \"./a.js\";\n", "form"),
        ("import a \"./a.js\";\n", "form"),
        ("import type { a } from \"./a.js\";\n", "form"),
        ("import(\"./a.js\");\n", "form"),
        ("import.meta.url;\n", "form"),
        ("import", "form"),
        ("import a from \"a\";\n", "name"),
        ("import a from \"/a.js\";\n", "name"),
        ("import a from \"https://a/a.js\";\n", "name"),
        ("import a from \"../../a.js\";\n", "name"),
        ("import a from \".//a.js\";\n", "name"),
        ("f();\nimport a from \"./a.js\";\n", "below"),
        ("f(); import a from \"./a.js\";\n", "below"),
        ("const a = await import(\"./a.js\");\n", "below"),
        ("/* a */ f(import.meta.url);\n", "below"),
        ("f();\n/**\n * a */ import(\"./a.js\");\n", "below"),
        ("export { a } from \"./a.js\";\n", "below"),
        ("export {\n  a\n} from \"./a.js\";\n", "below"),
        ("export * from \"./a.js\";\n", "below"),
    ] {
        check(text, Err(error));
    }
}

#[test]
fn errors_name_the_module_and_what_was_found() {
    let error = bare("pages/run.js", "import a from \"react\";\n").unwrap_err();
    assert!(error.to_string().contains("pages/run.js") && error.to_string().contains("react"));
}
