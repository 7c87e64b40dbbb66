using System.Text;
using System.Text.RegularExpressions;
using Cria.Formats;
using Cria.Generation.Constraints;
using Cria.Tokenization;

namespace Cria.Tests.Generation.Constraints;

public sealed class MaskTests
{
    static readonly Tokenizer Pocket = Tokenizer.Load(Path.Combine(TestFiles.Root, "models", "pocket"));

    [Theory]
    [InlineData("a*b")]
    [InlineData("(ab|c)+")]
    [InlineData("(?=.*c)[ab]{1,2}c")]
    [InlineData("(?!ab)[abc]{2,4}")]
    [InlineData("a{2}(b|c{1,3})?")]
    [InlineData("(a|ab)(c|bc)")]
    [InlineData("[^a]?(?:a|b|c){0,3}")]
    [InlineData("(a*)*b|c")]
    public void ATokenIsAllowedIfAndOnlyIfAMatchGoesOnFromIt(string pattern)
    {
        var oracle = new Regex($"^(?:{pattern})$", RegexOptions.ECMAScript & RegexOptions.None);
        var words = Enumerable.Range(0, 7).SelectMany(Words).Where(w => oracle.IsMatch(w)).ToHashSet();
        var tokens = Enumerable.Range(0, Pocket.OrdinaryCount).Select(id => (id, Text: Encoding.UTF8.GetString(Pocket.TokenBytes(id))))
            .Where(t => t.Text.Length > 0 && t.Text.All(c => c is 'a' or 'b' or 'c')).ToList();
        var constraint = Constraint.Regex(pattern);
        Visit("", []);

        void Visit(string text, int[] way)
        {
            if (text.Length > 3)
                return;
            var matcher = constraint.Begin(Pocket);
            Assert.All(way, id => Assert.True(matcher.TryAdvance(id)));
            Assert.Equal(words.Contains(text), matcher.IsComplete);
            foreach (var (id, more) in tokens)
                if (text.Length + more.Length <= 4)
                {
                    Assert.Equal(words.Any(w => w.StartsWith(text + more, StringComparison.Ordinal)), matcher.IsAllowed(id));
                    if (matcher.IsAllowed(id))
                        Visit(text + more, [.. way, id]);
                }
        }

        static IEnumerable<string> Words(int length) => length == 0 ? [""] : Words(length - 1).SelectMany(w => new[] { w + "a", w + "b", w + "c" });
    }

    [Fact]
    public void OneConstraintServesSeveralVocabularies()
    {
        using var files = TestModels.Write(new() { WithTokenizer = true });
        var other = ModelTokenizer.Load(files.Path);
        Assert.NotEqual(Pocket.VocabularySize, other.VocabularySize);
        var shared = Constraint.JsonSchema("""{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}""");
        foreach (var tokenizer in (Tokenizer[])[Pocket, other, Pocket])
        {
            var alone = Constraint.JsonSchema("""{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}""");
            var (matcher, expected) = (shared.Begin(tokenizer), alone.Begin(tokenizer));
            foreach (var token in tokenizer.Encode("{\"name\": \"ab\"}"))
            {
                Assert.Equal(expected.Mask, matcher.Mask);
                Assert.True(expected.TryAdvance(token) && matcher.TryAdvance(token));
            }
            Assert.True(matcher.IsComplete);
        }
    }

    [Fact]
    public void AMaskSaysOfEveryTokenWhatItsBytesSayOneByOneAndEveryPlaceHasAnEnd()
    {
        var random = new Random(3);
        foreach (var schema in TestSchemas.Written.Where((_, i) => i % 7 == 0))
        {
            var constraint = Constraint.JsonSchema(schema);
            var matcher = constraint.Begin(Pocket);
            for (var step = 0; step < 12 && !matcher.IsOver; step++)
            {
                var allowed = Enumerable.Range(0, Pocket.OrdinaryCount).Where(matcher.IsAllowed).ToList();
                for (var id = 0; id < Pocket.OrdinaryCount; id++)
                    if (!Pocket.IsSpecial(id) && Pocket.TokenBytes(id).Length > 0)
                        Assert.Equal(!matcher.After(id).State.IsDead, matcher.IsAllowed(id));
                Assert.Equal(matcher.After().Least, matcher.After().ShortestEnd().Length);
                Assert.True(matcher.TryAdvance(allowed[random.Next(allowed.Count)]));
            }
        }
    }

    [Theory]
    [InlineData("root ::= \"a\" root | \"b\"", "aab", true)]
    [InlineData("root ::= item (\",\" item)*\nitem ::= [0-9]+ # digits", "12,3", true)]
    [InlineData("root ::= item (\",\" item)*\nitem ::= [0-9]+", "12,", false)]
    [InlineData("root ::= pair{2}\npair ::= \"(\" pair? \")\"", "(())()", true)]
    [InlineData("root ::= pair{2}\npair ::= \"(\" pair? \")\"", "(()", false)]
    [InlineData("root ::= \"\\x41\\n\" [^x-z\\]]\n", "A\nw", true)]
    [InlineData("root ::= (\n  \"a\"\n  | \"b\" ) \"c\"", "bc", true)]
    [InlineData("root ::= e\ne ::= t (\"+\" t)*\nt ::= \"1\" | \"(\" e \")\"", "(1+1)+1", true)]
    [InlineData("root ::= \"a\" endless | \"b\"\nendless ::= \"x\" endless", "a", false)]
    public void AGrammarIsReadAsItsNotationSays(string grammar, string text, bool isText)
    {
        var matcher = Constraint.Gbnf(grammar).Begin(Pocket);
        var isAllowed = Pocket.Encode(text).All(matcher.TryAdvance);
        Assert.Equal(isText, isAllowed && matcher.IsComplete);
    }

    [Fact]
    public void CallsAreMadeOfParts()
    {
        const string schema = """{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"},"metric":{"type":"boolean"}},"required":["city"],"additionalProperties":false}""";
        var python = Constraint.Build(b => GrammarBuilder.Sequence(b.Literal("["), b.Repeat(GrammarBuilder.Choice(
            GrammarBuilder.Sequence(b.Literal("weather"), b.PythonArguments(schema)), b.Literal("stop()")), 1, Regular.Unbounded, b.Literal(", ")), b.Literal("]")));
        Assert.True(Accepts(python, """[weather(city="Paris", days=2, metric=True), stop()]"""));
        Assert.False(Accepts(python, """[weather(days=2)]"""));
        Assert.False(Accepts(python, """[weather(city="Paris", metric=true)]"""));
        var json = Constraint.Build(b => GrammarBuilder.Sequence(b.Literal("""{"name": "weather", "parameters": """), b.JsonSchema(schema), b.Literal("}")));
        Assert.True(Accepts(json, """{"name": "weather", "parameters": {"city": "Paris", "metric": false}}"""));
        Assert.False(Accepts(json, """{"name": "weather", "parameters": {"town": "Paris"}}"""));

        static bool Accepts(Constraint constraint, string text)
        {
            var matcher = constraint.Begin(Pocket);
            return Pocket.Encode(text).All(matcher.TryAdvance) && matcher.IsComplete;
        }
    }

    public static TheoryData<string, string> Hostile => new()
    {
        { "regex", new string('(', 5000) + new string(')', 5000) },
        { "regex", "(.*a.{20})|(.*b.{20})" },
        { "regex", "((a{0,1000}){0,1000}){0,1000}" },
        { "regex", "(a|aa)*b" },
        { "regex", "a{2147483646}" },
        { "regex", string.Concat(Enumerable.Repeat("a?", 9000)) },
        { "regex", "(?=.*a)(?=.*b)(?=.*c)(?=.*d)(?=.*e)(?=.*f).{6,400}" },
        { "regex", "[z-a]" },
        { "gbnf", "root ::= root \"a\" | \"b\"" },
        { "gbnf", "root ::= a\na ::= b? a \"x\"\nb ::= \"b\"" },
        { "gbnf", "root ::= " + new string('(', 5000) },
        { "gbnf", "root ::= (x?)*\nx ::= \"(\" x \")\" | \"\"" },
        { "gbnf", string.Join('\n', Enumerable.Range(0, 3000).Select(i => $"r{i} ::= \"a\" r{i + 1}").Append("r3000 ::= r0 | \"b\"").Append("root ::= r0")) },
        { "gbnf", "root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"\"" },
        { "gbnf", "root ::= " + string.Concat(Enumerable.Repeat("\"a\" ", 4000)) + "n\nn ::= \"(\" n \")\" | \"x\"" },
        { "gbnf", "root ::= " + string.Concat(Enumerable.Repeat("n ", 100_000)) + "\nn ::= \"(\" n \")\" | \"x\"" },
        { "schema", "{\"items\":" + string.Concat(Enumerable.Repeat("{\"items\":", 250)) + "{}" + new string('}', 251) },
        { "schema", "{\"items\":" + string.Concat(Enumerable.Repeat("{\"items\":", 5000)) + "{}" + new string('}', 5001) },
        { "schema", "{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"$ref\":\"#/$defs/a\"}},\"$ref\":\"#/$defs/a\"}" },
        { "schema", "{\"type\":\"array\",\"minItems\":1000000000}" },
        { "schema", "{\"type\":\"string\",\"minLength\":2000000000}" },
        { "schema", "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}" },
        { "schema", "{\"anyOf\":[" + string.Join(',', Enumerable.Range(0, 2000).Select(i => $"{{\"type\":\"object\",\"required\":[\"k{i}\"]}}")) + "]}" },
        { "schema", "{\"allOf\":[" + string.Join(',', Enumerable.Range(0, 20).Select(i => $"{{\"anyOf\":[{{\"required\":[\"a{i}\"]}},{{\"required\":[\"b{i}\"]}}]}}")) + "]}" },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public void WhateverIsAskedForIsHonouredOrRefused(string kind, string text)
    {
        try
        {
            var matcher = (kind == "regex" ? Constraint.Regex(text) : kind == "gbnf" ? Constraint.Gbnf(text) : Constraint.JsonSchema(text)).Begin(Pocket);
            for (var step = 0; step < 30 && !matcher.IsOver; step++)
                Assert.True(matcher.TryAdvance(Enumerable.Range(0, Pocket.OrdinaryCount).Where(matcher.IsAllowed).ElementAt(0)));
        }
        catch (CriaException e)
        {
            Assert.DoesNotContain('\n', e.Message);
        }
    }
}
