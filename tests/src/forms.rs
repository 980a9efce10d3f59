//! The forms of a page, read from its HTML as a browser without scripts would send them.

use anyhow::{Context as _, Result};

/// A form: where it goes, and its fields as they are filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// Name and value of every field.
    pub fields: Vec<(String, String)>,
    /// What its lists offer: the list's name, what a person reads, and the value behind it.
    pub choices: Vec<(String, String, String)>,
    /// The words on and around its buttons, and everything else in it.
    pub text: String,
}

impl Form {
    /// All forms of a page.
    #[must_use]
    pub fn all(html: &str) -> Vec<Self> {
        let forms = html.split("<form").skip(1);
        forms
            .filter_map(|rest| Some(Self::read(rest.split_once("</form>")?.0)))
            .collect()
    }

    /// The form whose action holds this.
    pub fn with_action(html: &str, part: &str) -> Result<Self> {
        let mut forms = Self::all(html).into_iter();
        let form = forms.find(|form| form.action.contains(part));
        form.with_context(|| format!("the page has no form for `{part}`; it says: {}", text_of(html)))
    }

    /// With a field set, whether or not the page had it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self.fields.push((name.into(), value.into()));
        self
    }

    /// With what a person reads chosen from a list.
    pub fn choosing(self, name: &str, words: &str) -> Result<Self> {
        let offered = self
            .choices
            .iter()
            .find(|(list, read, _)| list == name && read.contains(words));
        let value = offered.map(|(_, _, value)| value.clone());
        let value =
            value.with_context(|| format!("`{name}` does not offer `{words}`: {:?}", self.choices))?;
        Ok(self.with(name, &value))
    }

    /// A field's value.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    fn read(form: &str) -> Self {
        let (head, body) = form.split_once('>').unwrap_or((form, ""));
        let mut fields = Vec::new();
        for tag in tags(body, "input") {
            let kind = attribute(tag, "type").unwrap_or_default();
            let chosen = !matches!(kind.as_str(), "radio" | "checkbox") || tag.contains(" checked");
            if let Some(name) = attribute(tag, "name").filter(|_| chosen) {
                fields.push((name, attribute(tag, "value").unwrap_or_default()));
            }
        }
        for (tag, rest) in body
            .split("<textarea")
            .skip(1)
            .filter_map(|area| area.split_once('>'))
        {
            if let Some(name) = attribute(tag, "name") {
                fields.push((
                    name,
                    unescaped(rest.split("</textarea>").next().unwrap_or_default()),
                ));
            }
        }
        let mut choices = Vec::new();
        for (tag, rest) in body
            .split("<select")
            .skip(1)
            .filter_map(|list| list.split_once('>'))
        {
            let Some(name) = attribute(tag, "name") else {
                continue;
            };
            let list = rest.split("</select>").next().unwrap_or_default();
            let options: Vec<_> = tags(list, "option").collect();
            let option = options
                .iter()
                .find(|option| option.contains(" selected"))
                .or(options.first());
            if let Some(option) = option {
                fields.push((name.clone(), attribute(option, "value").unwrap_or_default()));
            }
            for option in list
                .split("<option")
                .skip(1)
                .filter_map(|option| option.split("</option>").next())
            {
                let value = attribute(option, "value").unwrap_or_default();
                choices.push((name.clone(), text_of(&format!("<option{option}")), value));
            }
        }
        Self {
            action: attribute(head, "action").unwrap_or_default(),
            fields,
            choices,
            text: text_of(body),
        }
    }
}

/// What a person reads of a page.
#[must_use]
pub fn text_of(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let hidden = ["script", "style", "svg"]
            .iter()
            .find(|name| tag.starts_with(**name));
        rest = match hidden {
            Some(name) => tag
                .split_once(&format!("</{name}>"))
                .map_or("", |(_, after)| after),
            None => tag.split_once('>').map_or("", |(_, after)| after),
        };
        text.push(' ');
    }
    text.push_str(rest);
    unescaped(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The addresses of a page's links.
#[must_use]
pub fn links_of(html: &str) -> Vec<String> {
    tags(html, "a").filter_map(|tag| attribute(tag, "href")).collect()
}

fn tags<'a>(html: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let begin = format!("<{name} ");
    let starts: Vec<_> = html
        .match_indices(&begin)
        .map(|(at, _)| at + begin.len() - 1)
        .collect();
    starts
        .into_iter()
        .map(move |at| html[at..].split('>').next().unwrap_or_default())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split('"').next()?))
}

fn unescaped(text: &str) -> String {
    let known = [
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&quot;", "\""),
        ("&lt;", "<"),
    ];
    let text = known
        .iter()
        .fold(text.to_owned(), |text, (code, sign)| text.replace(code, sign));
    text.replace("&gt;", ">")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_a_browser_sends_it() {
        let html = r#"<p>x</p><form method="post" action="/join/1.2" novalidate><input type="hidden" name="csrf" value="a&#38;b">
            <input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked>
            <textarea name="t" rows="2">hello &#60;you></textarea><select name="s"><option value="m">M</option></select>
            <button>Finish</button></form>"#;
        let form = Form::with_action(html, "/join/").unwrap().with("password", "p");
        assert_eq!(form.field("csrf"), Some("a&b"));
        assert_eq!(
            (form.field("r"), form.field("t"), form.field("s")),
            (Some("2"), Some("hello <you>"), Some("m"))
        );
        assert_eq!(form.field("password"), Some("p"));
        assert_eq!(form.clone().choosing("s", "M").unwrap().field("s"), Some("m"));
        assert!(form.clone().choosing("s", "N").is_err());
        assert!(form.text.contains("Finish"));
    }

    #[test]
    fn a_page_s_text_has_no_tags_and_no_scripts() {
        assert_eq!(
            text_of("<h1>A</h1><script>b()</script> &amp; <em>c</em>"),
            "A & c"
        );
    }
}
