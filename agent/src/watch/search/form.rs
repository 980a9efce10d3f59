//! The form of a title, such as `{query} - Example` or `{title} and {any} more pages`.

/// Characters of the longest `{any}`.
const ANY: usize = 60;

/// The form of a title: a literal beginning, what is captured, and literals with anything short between them.
#[derive(Debug)]
pub(super) struct Form {
    before: String,
    /// After the capture, in order; the text between two of them is an `{any}`.
    after: Vec<String>,
}

impl Form {
    pub(super) fn parse(form: &str, capture: &str) -> Result<Self, String> {
        let parts: Vec<&str> = form.split(capture).collect();
        let [before, after] = parts[..] else {
            return Err(format!(
                "`{form}` must have {capture} in it once; for example \"{capture} - Example\""
            ));
        };
        let after: Vec<String> = after.split("{any}").map(str::to_owned).collect();
        if before.contains(['{', '}']) || after.iter().any(|literal| literal.contains(['{', '}'])) {
            return Err(format!("`{form}`: use only {capture}, and {{any}} after it"));
        }
        if before.is_empty() && after.iter().all(|literal| literal.trim().is_empty()) {
            return Err(format!(
                "`{form}` would be met by every title; write what the site adds to it"
            ));
        }
        if after.len() > 1 && after[0].is_empty() {
            return Err(format!("`{form}`: write something between {capture} and {{any}}"));
        }
        Ok(Self {
            before: before.to_owned(),
            after,
        })
    }

    pub(super) fn literal_length(&self) -> usize {
        self.before.len() + self.after.iter().map(String::len).sum::<usize>()
    }

    /// What stands at the place of the capture, if the title has this form from end to end.
    pub(super) fn capture<'t>(&self, title: &'t str) -> Option<&'t str> {
        let (last, others) = self.after.split_last()?;
        let mut rest = title
            .strip_prefix(self.before.as_str())?
            .strip_suffix(last.as_str())?;
        for literal in others.iter().rev() {
            let at = rest.rfind(literal.as_str())?;
            let any = rest.get(at + literal.len()..)?;
            if any.is_empty() || any.chars().count() > ANY {
                return None;
            }
            rest = rest.get(..at)?;
        }
        let captured = rest.trim();
        (!captured.is_empty()).then_some(captured)
    }
}
