using Cria.Chat;
using Cria.Chat.Templates;
using CsCheck;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Chat.Templates;

public sealed class ChatTemplateTests
{
    static Prompt Render(string template, params ChatMessage[] messages) => ChatFormat.Render(messages.Length > 0 ? messages : [new(ChatRole.User, "Hi")],
        new() { Template = ChatTemplate.Parse(template, text => text is "<|eot_id|>" or "<|begin_of_text|>") });

    /// <summary>What jinja2 3.1.6 with trim_blocks and lstrip_blocks writes.</summary>
    [Theory]
    [InlineData("{% for i in range(3) %}\n  {% if i == 1 %}\nx\n  {% endif %}\n{{ i }}\n{% endfor %}\n", "0\nx\n1\n2\n")]
    [InlineData("a  {%- if true -%}  b  {%- endif -%}  c", "abc")]
    [InlineData("{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% set x = i %}{% endfor %}{{ ns.n }}{{ x }}", "3")]
    [InlineData("{% macro m(a, b='z') %}[{{ a }}{{ b }}]{% endmacro %}{{ m(1) }}{{ m(1, b=2) }}", "[1z][12]")]
    [InlineData("{{ 'a' if false else 'b' }}{{ 7 // 2 }}{{ -7 % 3 }}{{ 2 ** 10 }}{{ 7 / 2 }}{{ 1e16 }}", "b32" + "10243.51e+16")]
    [InlineData("{{ [1, 'a', None, True, {'k': 1.0}] }}", "[1, 'a', None, True, {'k': 1.0}]")]
    [InlineData("{{ {'a': [1, {'b': 'é'}]} | tojson }}|{{ [1] | tojson(indent=2) }}", "{\"a\": [1, {\"b\": \"é\"}]}|[\n  1\n]")]
    [InlineData("{{ 'abc'[1:] }}{{ 'abc'[::-1] }}{{ [1, 2, 3][-1] }}{{ messages[0]['role'] }}{{ messages[0].content }}", "bccba3userHi")]
    [InlineData("{{ x is defined }}{{ messages is sequence }}{{ 3 is odd }}{{ 'a' in 'cat' }}{{ 1 not in [1] }}{{ not x is defined }}", "FalseTrueTrueTrueFalseTrue")]
    [InlineData("{{ ' a b ' | trim | upper }}{{ [3, 1] | sort | join(',') }}{{ messages | map(attribute='role') | list | length }}{{ x | default('d') }}", "A B1,31d")]
    [InlineData("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ loop.index }}{{ k }}{{ v }}{{ ',' if not loop.last }}{% endfor %}", "1a1,2b2")]
    [InlineData("{% for i in range(9) if i is even %}{% if i == 6 %}{% break %}{% endif %}{{ i }}{% else %}none{% endfor %}", "024")]
    [InlineData("{% set t %}in{% endset %}{{ t }}{% filter upper %}b{% endfilter %}{# gone #}{% raw %}{{ x }}{% endraw %}", "inB{{ x }}")]
    [InlineData("{{ 'a</think>b'.split('</think>')[-1] }}{{ 'x'.startswith('x') }}{{ 'a' ~ 1 ~ none }}", "bTruea1None")]
    [InlineData("{{ 1 < 2 < 3 and 'yes' or 'no' }}{{ (1, 2)[0] }}{{ ('a' 'b') }}", "yes1ab")]
    public void TemplatesWriteAsJinjaDoes(string template, string written) => Assert.Equal(written, Render(template).Text);

    [Fact]
    public void TextOfMessagesNeverBecomesAControlToken()
    {
        var prompt = Render("{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content | trim }}<|eot_id|>{% endfor %}",
            new(ChatRole.User, "<|eot_id|> \uE000 <"), new(ChatRole.Assistant, "|eot_id|>"));
        Assert.Equal("<|begin_of_text|>user: <|eot_id|> \uE000 <<|eot_id|>assistant: |eot_id|><|eot_id|>", prompt.Text);
        Assert.Equal(["<|begin_of_text|>", "<|eot_id|>", "<|eot_id|>"], prompt.Parts.Where(p => p.IsControl).Select(p => p.Text));
        Assert.Single(Render("{{ messages[0].content }}{{ messages[1].content }}", new(ChatRole.User, "<"), new(ChatRole.User, "|eot_id|>")).Parts);
    }

    [Theory]
    [InlineData("{{ raise_exception('no\\nway') }}", "no?way")]
    [InlineData("{{ x.y }}", "x, which is not defined")]
    [InlineData("{{ 1 / 0 }}", "division")]
    [InlineData("{{ [] | max }}", "chat template")]
    [InlineData("{{ dict(a=1, a=2) }}", "chat template")]
    [InlineData("\n{{ 1 + }}", "line 2")]
    [InlineData("{% if x %}", "endif")]
    [InlineData("{% include 'x' %}", "include")]
    [InlineData("{{ 'x' | attr('__class__') }}", "attr")]
    [InlineData("{{ ''.__class__.__mro__ }}", "not defined")]
    [InlineData("{{ messages.append(1) }}", "called")]
    [InlineData("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", "steps")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "nested")]
    [InlineData("{{ 'x' * 99999999999 }}", "too long")]
    [InlineData("{{ 9 ** 9999 }}", "too large")]
    [InlineData("{{ range(999999999) }}", "too long")]
    public void WhatCannotBeWrittenIsOneLine(string template, string says)
    {
        var error = Assert.Throws<CriaException>(() => Render(template));
        Assert.Contains(says, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    static readonly string[] Words = ["{{", "}}", "{%", "%}", "{%-", "-%}", "if", "for", "in", "endif", "endfor", "set", "=", "x", "messages", "[", "]", "(", ")", "|", "trim", "'a'", "1", "+", "not", "is", "defined", "\n", ".", "items", ",", ":", "{", "}", "-"];

    [Fact]
    public void AnyTemplateIsWrittenOrOneClearError() =>
        Gen.Int[0, Words.Length - 1].Select(i => Words[i]).Array[0, 24]
            .Select(parts => string.Join(' ', parts)).Sample(template =>
            {
                try
                {
                    Render(template);
                }
                catch (CriaException e)
                {
                    Assert.DoesNotContain('\n', e.Message);
                }
            }, iter: 20_000);

    [Fact]
    public void DeepTemplatesAreAnErrorAndNoCrash()
    {
        foreach (var part in new[] { "(", "[", "not ", "-", "{'a':" })
            Assert.Throws<CriaException>(() => Render("{{ " + string.Concat(Enumerable.Repeat(part, 30_000))));
        Assert.Throws<CriaException>(() => Render(string.Concat(Enumerable.Repeat("{% if 1 %}", 20_000))));
    }

    [Fact]
    public void DatesAreWrittenAsByStrftime() =>
        Assert.Equal("05 Mar 2025 March 5 09:07 Wed %", ChatTemplate.Time("%d %b %Y %B %-d %H:%M %a %%", new DateTime(2025, 3, 5, 9, 7, 0)));
}
