//! Colour on a terminal, or none.

/// Decided once by the caller (`--color`, NO_COLOR, whether stdout is a terminal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    Ansi,
}

/// What a stretch of text means; never the only sign of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
    Doubtful,
    Heading,
    Muted,
}

impl Style {
    pub fn paint(self, tone: Tone, text: &str) -> String {
        // SGR parameters of ECMA-48 §8.3.117.
        let code = match tone {
            Tone::Good => "1;32",
            Tone::Bad => "1;31",
            Tone::Doubtful => "1;33",
            Tone::Heading => "1",
            Tone::Muted => "2",
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}
