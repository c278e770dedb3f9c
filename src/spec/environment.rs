//! `${NAME}` and `${NAME:-otherwise}` in a specification: a variable of the environment.
//!
//! They are replaced in the text, before YAML is read, so that `nodes: [${NODES}]` may become
//! several. So a value must not hold what YAML reads as more than text. What stands under `system:`
//! and `client:` is left alone: there a shell, or the client, replaces it, later; and a secret is
//! never written into a run.

use super::diagnostic::{Diagnostic, SpecErrors};

/// Sections with references of their own.
const LEFT_ALONE: [&str; 2] = ["system", "client"];
/// What means something to YAML in the middle of a text.
const MEANT: &[char] = &['\'', '"', '\\', '#', '{', '}', '[', ']', '&', '*', '!', '|', '<', '>'];

/// The text `source` of the specification called `file`, with the variables that `variable` knows.
///
/// # Errors
/// Every reference that cannot be replaced.
pub fn with_environment(
    file: &str,
    source: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<String, SpecErrors> {
    let mut text = String::with_capacity(source.len());
    let mut diagnostics = Vec::new();
    let mut section = "";
    for (index, line) in source.split_inclusive('\n').enumerate() {
        if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            section = line.split(':').next().unwrap_or_default().trim_end();
        }
        let written = if LEFT_ALONE.contains(&section) { 0 } else { comment(line) };
        let mut rest = &line[..written];
        while let Some((before, reference)) = rest.split_once("${") {
            let at = written - rest.len() + before.len();
            let (inside, after) = reference.split_once('}').unwrap_or((reference, ""));
            text.push_str(before);
            rest = after;
            match value(inside, &variable) {
                Ok(value) => text.push_str(&value),
                Err((message, help)) => diagnostics.push(Diagnostic {
                    message,
                    help: Some(help),
                    line: index + 1,
                    column: line[..at].chars().count() + 1,
                    length: inside.chars().count() + 3,
                }),
            }
        }
        text.push_str(rest);
        text.push_str(&line[written..]);
    }
    if diagnostics.is_empty() {
        return Ok(text);
    }
    Err(SpecErrors { file: file.to_owned(), source: source.to_owned(), diagnostics })
}

/// Where the comment of a line begins, or its end.
fn comment(line: &str) -> usize {
    let mut previous = ' ';
    for (at, c) in line.char_indices() {
        if c == '#' && previous.is_whitespace() {
            return at;
        }
        previous = c;
    }
    line.len()
}

/// What stands for the reference with `inside`; or what is wrong, and the way out.
fn value(
    inside: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<String, (String, String)> {
    let (name, otherwise) = match inside.split_once(":-") {
        Some((name, otherwise)) => (name, Some(otherwise.to_owned())),
        None => (inside, None),
    };
    let first = name.chars().next();
    let named = first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !named {
        let help = "write `${NAME}`, or `${NAME:-value}` for when it is not set".to_owned();
        return Err((format!("`${{{inside}}}` is not a variable of the environment"), help));
    }
    let set = variable(name).filter(|value| otherwise.is_none() || !value.is_empty());
    let Some(value) = set.or(otherwise) else {
        let help = format!("set it, as `{name}=… isobar run …`, or write `${{{name}:-value}}`");
        return Err((format!("the variable `{name}` is not set in the environment"), help));
    };
    let plain = !value.contains(MEANT)
        && !value.contains(char::is_control)
        && !value.contains(": ")
        && !value.ends_with(':')
        && !value.starts_with(['%', '@', '`']);
    if plain {
        return Ok(value);
    }
    let help = "use letters, digits, spaces and . / : , + = _ -".to_owned();
    Err((format!("the value of `{name}` holds what YAML does not read as text"), help))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn replaced(source: &str) -> Result<String, SpecErrors> {
        with_environment("spec.yaml", source, |name| match name {
            "NODES" => Some("n1, n2".to_owned()),
            "EMPTY" => Some(String::new()),
            "QUOTE" => Some("it's".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn variables_stand_for_their_values_but_in_comments() {
        let source =
            "# ${NONE}\ncluster:\n  ssh: { nodes: [${NODES}], user: ${WHO:-root} } # ${NO}\n";
        let expected = "# ${NONE}\ncluster:\n  ssh: { nodes: [n1, n2], user: root } # ${NO}\n";
        assert_eq!(replaced(source).unwrap(), expected);
        assert_eq!(replaced("name: a${EMPTY}b-${EMPTY:-c}").unwrap(), "name: ab-c");
        assert_eq!(replaced("name: costs $5").unwrap(), "name: costs $5");
    }

    #[test]
    fn shells_and_clients_replace_their_own() {
        let source = "system:\n  custom: { start: run ${X} }\nclient:\n  http: { a: ${T} }\n";
        assert_eq!(replaced(source).unwrap(), source);
        assert!(replaced(&format!("{source}name: ${{X}}")).is_err());
    }

    #[test]
    fn every_reference_that_cannot_be_replaced_is_told_at_its_place() {
        let errors = replaced("name: é-${NONE}-${1x}\nseed: ${QUOTE}\n").unwrap_err();
        insta::assert_snapshot!(errors, @r"
        the variable `NONE` is not set in the environment
         --> spec.yaml:1:9
          |
        1 | name: é-${NONE}-${1x}
          |         ^^^^^^^
          = help: set it, as `NONE=… isobar run …`, or write `${NONE:-value}`

        `${1x}` is not a variable of the environment
         --> spec.yaml:1:17
          |
        1 | name: é-${NONE}-${1x}
          |                 ^^^^^
          = help: write `${NAME}`, or `${NAME:-value}` for when it is not set

        the value of `QUOTE` holds what YAML does not read as text
         --> spec.yaml:2:7
          |
        2 | seed: ${QUOTE}
          |       ^^^^^^^^
          = help: use letters, digits, spaces and . / : , + = _ -
        ");
    }
}
