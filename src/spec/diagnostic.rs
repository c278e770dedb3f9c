//! What is wrong with a specification, where, and the way out.

use std::fmt::{self, Write as _};

/// One thing that is wrong, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// From 1; 0 when it concerns the whole file.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// In characters; at least 1.
    pub length: usize,
}

/// Everything that is wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecErrors {
    pub file: String,
    pub source: String,
    /// In order of their places.
    pub diagnostics: Vec<Diagnostic>,
}

impl std::error::Error for SpecErrors {}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<&str> = self.source.lines().collect();
        for (position, diagnostic) in self.diagnostics.iter().enumerate() {
            if position > 0 {
                f.write_str("\n\n")?;
            }
            f.write_str(&self.render(diagnostic, &lines))?;
        }
        Ok(())
    }
}

impl SpecErrors {
    /// As rustc does: message, place, the line with a caret under the culprit, help.
    fn render(&self, diagnostic: &Diagnostic, lines: &[&str]) -> String {
        let Diagnostic { message, help, line, column, length } = diagnostic;
        let mut text = message.clone();
        let gutter = line.to_string().len();
        let blank = " ".repeat(gutter);
        // Writing to a String does not fail.
        let _ = match line {
            0 => write!(text, "\n --> {}", self.file),
            _ => write!(text, "\n{blank}--> {}:{line}:{column}", self.file),
        };
        if let Some(source) = line.checked_sub(1).and_then(|index| lines.get(index)) {
            let indent: String =
                source.chars().take(column - 1).map(|c| if c == '\t' { c } else { ' ' }).collect();
            let carets = "^".repeat(*length);
            let _ = write!(text, "\n{blank} |\n{line} | {source}\n{blank} | {indent}{carets}");
        }
        if let Some(help) = help {
            let _ = write!(text, "\n{blank} = help: {help}");
        }
        text
    }
}
