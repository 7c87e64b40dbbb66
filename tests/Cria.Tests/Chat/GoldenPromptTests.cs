using System.Text.Json;
using Cria.Chat;
using Cria.Chat.ToolCalls;
using Cria.Cli.Commands;
using Cria.Tests.Tokenization;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Chat;

/// <summary>The recordings of ../shared/golden/templates: dialogues in both styles, pythonic calls in Meta's.</summary>
public sealed class GoldenPromptTests
{
    static IEnumerable<JsonElement> Cases(string file) =>
        JsonElement.Parse(File.ReadAllBytes(TestFiles.Golden("templates", file))).GetProperty("cases").EnumerateArray();

    static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>Tool definitions and JSON calls in other syntaxes are refused; everything else is written.</summary>
    static bool IsWritten(JsonElement @case)
    {
        var options = @case.GetProperty("options");
        var custom = ChatJson.ReadMessages(@case.GetProperty("messages")).SelectMany(m => m.Contents.OfType<FunctionCallContent>())
            .Any(c => !ChatFormat.BuiltinTools.Contains(c.Name));
        var tools = @case.GetProperty("tools").ValueKind != JsonValueKind.Null;
        return Text(@case, "style") == "hf" ? !tools : Text(options, "tool_format") == "python_list" || !tools && !custom;
    }

    static Prompt Render(JsonElement @case)
    {
        var line = System.Text.Json.Nodes.JsonObject.Create(@case)!;
        if (Text(@case, "template") is { } template)
            line["template"] = TestFiles.Golden("templates", template);
        return RenderRequest.Render(JsonElement.Parse(line.ToJsonString()), "");
    }

    [Theory]
    [InlineData("meta", 45)]
    [InlineData("hf", 39)]
    public void EveryWrittenDialogueHasTheRecordedTextAndIds(string style, int least)
    {
        var tokenizer = TestVocabularies.Golden("meta");
        var cases = Cases("cases.json").Where(c => Text(c, "style") == style && IsWritten(c)).ToList();
        Assert.InRange(cases.Count, least, 58);
        Assert.All(cases, c =>
        {
            if (c.TryGetProperty("error", out _))
            {
                Assert.Throws<CriaException>(() => Render(c));
                return;
            }
            var prompt = Render(c);
            Assert.Equal(Text(c, "text"), prompt.Text);
            Assert.Equal(c.GetProperty("ids").EnumerateArray().Select(n => n.GetInt32()), prompt.Encode(tokenizer));
        });
    }

    [Fact]
    public void OtherToolFormatsAreOneClearError() => Assert.All(Cases("cases.json").Where(c => !IsWritten(c)), c =>
    {
        var error = Assert.Throws<CriaException>(() => Render(c));
        Assert.DoesNotContain('\n', error.Message);
    });

    [Fact]
    public void PythonicCallsAreReadAsRecorded()
    {
        var cases = Cases("toolcalls.json").Where(c => Text(c, "name") is { } name
            && (name.StartsWith("py-") || name.StartsWith("not-a-call-") || name.StartsWith("incomplete-") || name == "builtin-8")).ToList();
        Assert.Equal(85, cases.Count);
        Assert.All(cases, c =>
        {
            var written = JsonElement.Parse(Output.ToJson(json => ToolCallsCommand.Write(AssistantText.Parse(Text(c, "text")!), json)));
            Assert.True(JsonElement.DeepEquals(c.GetProperty("expected"), written), $"{c.GetProperty("name")}: {written}");
        });
    }
}
