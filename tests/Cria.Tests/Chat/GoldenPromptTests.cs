using System.Text.Json;
using Cria.Chat;
using Cria.Chat.ToolCalls;
using Cria.Cli.Commands;
using Cria.Tests.Tokenization;

namespace Cria.Tests.Chat;

/// <summary>The recordings of ../shared/golden/templates: dialogues and tools in both styles, calls in every syntax.</summary>
public sealed class GoldenPromptTests
{
    static IEnumerable<JsonElement> Cases(string file) =>
        JsonElement.Parse(File.ReadAllBytes(TestFiles.Golden("templates", file))).GetProperty("cases").EnumerateArray();

    static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    static Prompt Render(JsonElement @case)
    {
        var line = System.Text.Json.Nodes.JsonObject.Create(@case)!;
        if (Text(@case, "template") is { } template)
            line["template"] = TestFiles.Golden("templates", template);
        return RenderRequest.Render(JsonElement.Parse(line.ToJsonString()), "");
    }

    [Theory]
    [InlineData("meta", 56)]
    [InlineData("hf", 58)]
    public void EveryDialogueHasTheRecordedTextAndIds(string style, int count)
    {
        var tokenizer = TestVocabularies.Golden("meta");
        var cases = Cases("cases.json").Where(c => Text(c, "style") == style).ToList();
        Assert.Equal(count, cases.Count);
        Assert.All(cases, c =>
        {
            if (c.TryGetProperty("error", out _))
            {
                Assert.DoesNotContain('\n', Assert.Throws<CriaException>(() => Render(c)).Message);
                return;
            }
            var prompt = Render(c);
            Assert.Equal(Text(c, "text"), prompt.Text);
            Assert.Equal(c.GetProperty("ids").EnumerateArray().Select(n => n.GetInt32()), prompt.Encode(tokenizer));
        });
    }

    [Fact]
    public void CallsInEverySyntaxAreReadAsRecorded() => Assert.All(Cases("toolcalls.json"), c =>
    {
        ToolFormat? format = Text(c, "format") switch { "pythonic" => ToolFormat.Pythonic, "json" => ToolFormat.Json, "function_tag" => ToolFormat.FunctionTag, _ => null };
        var written = JsonElement.Parse(Output.ToJson(json => ToolCallsCommand.Write(AssistantText.Parse(Text(c, "text")!, format), json)));
        Assert.True(JsonElement.DeepEquals(c.GetProperty("expected"), written), $"{c.GetProperty("name")}: {written}");
    });
}
