using System.Text.Json;
using Cria.Chat;
using Cria.Chat.ToolCalls;
using Cria.Cli.Commands;
using Cria.Tests.Tokenization;
using Cria.Tokenization;

namespace Cria.Tests.Chat;

/// <summary>The recordings of ../shared/golden/templates: dialogues and tools in both styles, calls in every syntax.</summary>
public sealed class GoldenPromptTests
{
    static IEnumerable<JsonElement> Cases(string file) =>
        JsonElement.Parse(File.ReadAllBytes(TestFiles.Golden("templates", file))).GetProperty("cases").EnumerateArray();

    static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    static readonly Tokenizer Vocabulary = TestVocabularies.Golden("meta");

    static Prompt Render(JsonElement @case)
    {
        var line = System.Text.Json.Nodes.JsonObject.Create(@case)!;
        if (Text(@case, "template") is { } template)
            line["template"] = TestFiles.Golden("templates", template);
        return RenderRequest.Render(JsonElement.Parse(line.ToJsonString()), "", Vocabulary);
    }

    [Theory]
    [InlineData("meta", 56)]
    [InlineData("hf", 58)]
    public void EveryDialogueHasTheRecordedTextAndIds(string style, int count)
    {
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
            Assert.Equal(c.GetProperty("ids").EnumerateArray().Select(n => n.GetInt32()), prompt.Encode(Vocabulary));
        });
    }

    /// <summary>A sentence in two pieces makes a template one that is not recognised, and so run.</summary>
    [Fact]
    public void TemplatesThatAreRunWriteEveryDialogueAsRecorded()
    {
        using var folder = TestModels.Write();
        Assert.All(Cases("cases.json").Where(c => Text(c, "style") == "hf"), c =>
        {
            var line = System.Text.Json.Nodes.JsonObject.Create(c)!;
            var file = folder.File(Text(c, "template")!);
            File.WriteAllText(file, File.ReadAllText(TestFiles.Golden("templates", Text(c, "template")!)).Replace("Cutting Knowledge Date: December 2023", "Cutting Knowledge Date: \" ~ \"December 2023"));
            line["template"] = file;
            if (c.TryGetProperty("error", out _))
            {
                Assert.DoesNotContain('\n', Assert.Throws<CriaException>(() => RenderRequest.Render(JsonElement.Parse(line.ToJsonString()), "", Vocabulary)).Message);
                return;
            }
            var prompt = RenderRequest.Render(JsonElement.Parse(line.ToJsonString()), "", Vocabulary);
            Assert.Equal(Text(c, "text"), prompt.Text);
            Assert.Equal(c.GetProperty("ids").EnumerateArray().Select(n => n.GetInt32()), prompt.Encode(Vocabulary));
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
