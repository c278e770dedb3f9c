//! The frame of every page: head, style sheet, body, data, script.

const SHELL: &str = include_str!("page.html");

/// All parts of a page, each of them markup of ours or escaped.
pub struct Shell<'a> {
    /// Its Content-Security-Policy.
    pub policy: &'a str,
    pub title: &'a str,
    pub style: &'a str,
    pub body: &'a str,
    /// JSON, with `<` escaped.
    pub data: &'a str,
    pub script: &'a str,
}

impl Shell<'_> {
    /// Fills the shell's `{{names}}`, each once and in one pass: what is put in is not read again.
    pub fn page(&self) -> String {
        let parts = [
            ("policy", self.policy),
            ("title", self.title),
            ("style", self.style),
            ("body", self.body),
            ("data", self.data),
            ("script", self.script),
        ];
        let mut out = String::with_capacity(parts.iter().map(|(_, part)| part.len()).sum());
        for piece in SHELL.split("{{") {
            match piece.split_once("}}") {
                None => out.push_str(piece),
                Some((name, rest)) => {
                    let part = parts.iter().find(|(known, _)| *known == name);
                    out.push_str(part.map_or("", |(_, text)| text));
                    out.push_str(rest);
                }
            }
        }
        out
    }
}
