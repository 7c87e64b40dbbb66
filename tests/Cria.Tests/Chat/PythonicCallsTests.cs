using System.Text.Json;
using Cria.Chat;
using Cria.Chat.ToolCalls;
using CsCheck;

namespace Cria.Tests.Chat;

public sealed class PythonicCallsTests
{
    static readonly Gen<object?> Scalar = Gen.OneOf(Gen.Long.Select(n => (object?)n), Gen.Double[-1e20, 1e20].Select(d => (object?)d), Gen.Bool.Select(b => (object?)b),
        Gen.Const((object?)null), Gen.String[Gen.Char["abc ,()[]{}='#日"], 0, 12].Select(s => (object?)s));

    [Fact]
    public void WrittenCallsAreReadBack() => Gen.Select(Gen.Dictionary(Gen.String[Gen.Char['a', 'z'], 1, 5], Gen.OneOf(Scalar, Scalar.List[0, 3].Select(l => (object?)l))), Gen.Int[1, 3]).Sample((arguments, count) =>
    {
        var calls = Enumerable.Range(0, count).Select(i => new Microsoft.Extensions.AI.FunctionCallContent($"call_{i}", $"f{i}", arguments!)).ToList();
        var read = PythonicCalls.Parse(PythonicCalls.Write(calls));
        Assert.NotNull(read);
        Assert.Equal(calls.Select(c => c.Name), read.Select(c => c.Name));
        Assert.All(read, c => Assert.Equal(arguments!, c.Arguments!));
    }, iter: 500);

    static readonly Gen<object?> AnyScalar = Gen.OneOf(Scalar, Gen.String.Where(IsWellFormed).Select(s => (object?)s));
    static readonly Gen<object?> AnyValue = Gen.OneOf(AnyScalar, AnyScalar.List[0, 3].Select(l => (object?)l), Gen.Dictionary(Gen.String[Gen.Char["ab \"'}{<é"], 0, 4], AnyScalar)[0, 3].Select(m => (object?)m));

    static bool IsWellFormed(string text) => System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text)) == text;

    [Fact]
    public void JsonCallsAndFunctionTagsOfAnyArgumentsAreReadBack() => Gen.Select(Gen.Dictionary(Gen.String[Gen.Char['a', 'z'], 1, 5], AnyValue)[0, 4], Gen.Bool).Sample((arguments, isTag) =>
    {
        var call = new Microsoft.Extensions.AI.FunctionCallContent("call_0", "look_up", arguments);
        var format = isTag ? ToolFormat.FunctionTag : ToolFormat.Json;
        foreach (var reply in new[] { AssistantText.Parse(isTag ? FunctionTags.Write(call) : JsonCalls.Write(call)), AssistantText.Parse(isTag ? FunctionTags.Write(call) : JsonCalls.Write(call), format) })
        {
            var read = Assert.Single(reply.Calls);
            Assert.Equal(("look_up", PythonJson.Write(arguments)), (read.Name, PythonJson.Write(read.Arguments)));
        }
    }, iter: 2000);

    [Fact]
    public void PythonLiteralsOfAnyArgumentsAreReadBack() => Gen.Select(Gen.Dictionary(Gen.String[Gen.Char['a', 'z'], 1, 5], AnyValue)[0, 4], Gen.Bool).Sample((arguments, single) =>
    {
        var read = Assert.Single(AssistantText.Parse($"[look_up({string.Join(", ", arguments.Select(a => $"{a.Key}={Literal(a.Value, single ? '\'' : '"')}"))})]").Calls);
        Assert.Equal(PythonJson.Write(arguments), PythonJson.Write(read.Arguments));
    }, iter: 2000);

    /// <summary>A value as Python's repr writes it, in either kind of quotes.</summary>
    static string Literal(object? value, char quote) => value switch
    {
        string s => quote + string.Concat(s.Select(c => c == quote || c == '\\' ? $"\\{c}" : c == '\n' ? "\\n" : c < ' ' ? $"\\x{(int)c:x2}" : c.ToString())) + quote,
        IDictionary<string, object?> map => $"{{{string.Join(", ", map.Select(p => $"{Literal(p.Key, quote)}: {Literal(p.Value, quote)}"))}}}",
        List<object?> list => $"[{string.Join(", ", list.Select(i => Literal(i, quote)))}]",
        _ => PythonLiteral.Write(value),
    };

    [Fact]
    public void AnyTextIsEitherCallsOrContent() =>
        Gen.String[Gen.Char["[]()f=1'\"\\,{}: \n.ex-#<|"], 0, 30].Sample(text =>
        {
            var reply = AssistantText.Parse(text);
            Assert.Equal(reply.Calls.Count > 0, reply.Content == "" && text.Trim(' ').Length > 0);
        }, iter: 20_000);

    [Theory]
    [InlineData("[f(a=0xFFFFFFFFFFFFFFFF)]", 18446744073709551615d)]
    [InlineData("[f(a=-0x10)]", -16L)]
    [InlineData("[f(a=9007199254740993)]", 9007199254740993L)]
    [InlineData("[f(a=1e3)]", 1000d)]
    [InlineData("[f(a='a' 'b')]", "ab")]
    public void LiteralsAreThoseOfPython(string text, object value) =>
        Assert.Equal(value, Assert.Single(PythonicCalls.Parse(text)!).Arguments!["a"]);

    [Theory]
    [InlineData("123456789012345678901")]
    [InlineData("-1e999")]
    [InlineData("0.99999999999999999999")]
    public void NumbersThatADoubleWouldChangeStayAsTheyAre(string number)
    {
        foreach (var text in new[] { $"[f(a={number})]", $"{{\"name\": \"f\", \"parameters\": {{\"a\": {number}}}}}", $"<function=f>{{\"a\": {number}}}</function>" })
            Assert.Equal(number, Assert.IsType<JsonElement>(Assert.Single(AssistantText.Parse(text).Calls).Arguments!["a"]).GetRawText());
    }

    [Theory]
    [InlineData("[f(a=1)]\0x")]
    [InlineData("[f(a=1, a=2)]")]
    [InlineData("[f(a=012)]")]
    [InlineData("[f(a=name)]")]
    public void EverythingElseIsContent(string text) => Assert.Null(PythonicCalls.Parse(text));

    [Fact]
    public void TheDeepestArgumentsCanBeWrittenAsJson()
    {
        string Nested(int depth) => $"[f(a={new string('[', depth)}{new string(']', depth)})]";
        var deepest = Enumerable.Range(1, 100).Last(d => PythonicCalls.Parse(Nested(d)) is not null);
        Assert.InRange(deepest, 50, 99);
        Assert.Contains(new string('[', deepest), JsonSerializer.Serialize(PythonicCalls.Parse(Nested(deepest))![0].Arguments));
    }

    [Fact]
    public void DeepNestingIsContentAndNoCrash() =>
        Assert.Null(PythonicCalls.Parse($"[f(a={new string('[', 100_000)})]"));

    [Theory]
    [InlineData("1e-7", "1e-07")]
    [InlineData("1e16", "1e+16")]
    [InlineData("123456789012345680", "123456789012345680")]
    [InlineData("1.0", "1.0")]
    [InlineData("-0.0", "-0.0")]
    [InlineData("-0", "0")]
    [InlineData("0.0001", "0.0001")]
    [InlineData("0.00001234", "1.234e-05")]
    [InlineData("1234567890123456.7", "1234567890123456.8")]
    [InlineData("1.5e300", "1.5e+300")]
    [InlineData("100.25", "100.25")]
    public void NumbersPrintAsInPython(string json, string printed) => Assert.Equal(printed, PythonLiteral.Number(json));
}
