//! The whole run: the plots.

use super::{Html, Page, scripted, scroller, section};

pub fn write(html: &mut Html, page: &Page<'_>) {
    section(html, "run", "The whole run", |html| {
        if page.plots.is_empty() {
            html.leaf("p", &[], "There is nothing to plot: no operation was recorded.");
            return;
        }
        scripted(html, &[("id", "overview")], |html| plots(html, page));
    });
}

fn plots(html: &mut Html, page: &Page<'_>) {
    for plot in page.plots {
        html.element("figure", &[("class", "plot")], |html| {
            scroller(html, plot.title, |html| html.drawing(&plot.svg));
            html.element("figcaption", &[], |html| {
                html.leaf("strong", &[], plot.title);
                html.text(". ");
                html.text(&plot.caption);
            });
        });
    }
    let text = "Grey: a fault in force, its kind in the bars above. Vertical line: a finding.";
    html.leaf("p", &[("class", "meaning")], text);
}
