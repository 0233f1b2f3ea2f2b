//! What is left of texts with template tags.

use super::*;

#[test]
fn tags_go_and_text_stays() {
    for (text, left) in [
        ("قبل {{< youtube x >}} بعد", "قبل  بعد"),
        ("{{% note %}}\nنص\n{{% /note %}}", "\nنص\n"),
        ("{% highlight rust %}fn{% endhighlight %}", "fn"),
        ("{%- include a.html -%}ب", "ب"),
        ("{{ page.title | escape }}ب", "ب"),
        ("{{ video(id=\"x\") }}ب{% end %}", "ب"),
        ("{% raw %}{{ x }}{% y %}{% endraw %}ب", "{{ x }}{% y %}ب"),
        ("ا{% comment %}سر {{ x }}{% endcomment %}ب", "اب"),
        ("ا{{< comment >}}سر{{< /comment >}}ب", "اب"),
        ("ا{%-comment-%}سر{%-endcomment-%}ب", "اب"),
        ("ا{% comment %}سر", "ا"),
        ("{{< comment-box >}}ب", "ب"),
        ("{% raw %}{{ x }}", "{{ x }}"),
        ("{{< a\n b=\"c\" >}}ب", "ب"),
        ("{a} {{ b", "{a} {{ b"),
        ("{{{ x }}}", "}"),
        ("{", "{"),
        ("", ""),
    ] {
        assert_eq!(strip(text).text, left, "{text}");
    }
}

#[test]
fn tags_are_counted_and_the_first_is_placed() {
    let text = "خبر {{< a >}} {{< b >}}";
    let stripped = strip(text);
    assert_eq!(stripped.count, 2);
    assert_eq!(&text[stripped.first.unwrap()], "{{< a >}}");
    assert_eq!(strip("خبر").first, None);
}

#[test]
fn a_tag_is_not_longer_than_its_limit() {
    let tag = |length: usize| format!("{{{{{}}}}}", "x".repeat(length - 4));
    assert_eq!(strip(&tag(MAX_TAG_BYTES)).count, 1);
    assert_eq!(strip(&tag(MAX_TAG_BYTES + 10)).count, 0);
}

#[test]
fn openers_alone_take_no_time() {
    let text = "{{".repeat(1_000_000);
    let start = std::time::Instant::now();
    assert_eq!(strip(&text).count, 0);
    assert!(start.elapsed().as_secs() < 5);
}
