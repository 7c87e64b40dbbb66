using System.Text.Json;
using Cria.Chat;
using Cria.Conversion;
using Cria.Tests.Tokenization;
using CsCheck;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Chat;

public sealed class ChatFormatTests
{
    static readonly ChatStyle[] Styles = Enum.GetValues<ChatStyle>();

    static ChatFormatOptions In(ChatStyle style) => new() { Style = style, Date = "26 Jul 2024" };

    [Fact]
    public void MetaStyleAddsNothingToADialogue()
    {
        var prompt = ChatFormat.Render([new(ChatRole.System, " Be brief.\n"), new(ChatRole.User, "Hi"), new(ChatRole.Assistant, "Hello")], In(ChatStyle.Meta));
        Assert.Equal("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n Be brief.\n<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n", prompt.Text);
    }

    [Fact]
    public void TemplatesTrimAndPrintADate()
    {
        ChatMessage[] messages = [new(ChatRole.System, " Be brief.\n"), new(ChatRole.User, "\u001CHi\u3000")];
        Assert.Equal("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\nBe brief.<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            ChatFormat.Render(messages, In(ChatStyle.HuggingFace32)).Text);
        Assert.Contains($"Today Date: {DateTime.Now:dd MMM yyyy}", ChatFormat.Render(messages, new() { Style = ChatStyle.HuggingFace32 }).Text);
        Assert.Contains("Today Date: 26 Jul 2024", ChatFormat.Render(messages, new() { Style = ChatStyle.HuggingFace31 }).Text);
    }

    [Fact]
    public void TextInAMessageNeverBecomesControlTokens()
    {
        var small = TestVocabularies.Small;
        var hostile = SomeText.From([.. small.Specials.Keys, "a", "\n\n", "<|", "assistant", " "]).Array[0, 8].Select(string.Concat);
        hostile.Array[6].Sample(text =>
        {
            ChatMessage[] messages =
            [
                new(ChatRole.System, text[0]),
                new(ChatRole.User, [new TextContent(text[1]), new TextContent(text[2])]),
                new(ChatRole.Assistant, [new FunctionCallContent("c", "f", new Dictionary<string, object?> { ["x"] = text[3] })]),
                new(ChatRole.Tool, [new FunctionResultContent("c", text[4])]),
                new(ChatRole.User, text[5]),
            ];
            foreach (var style in Styles)
            {
                var prompt = ChatFormat.Render(messages, In(style));
                var controls = prompt.Encode(small).Where(small.IsSpecial).Select(id => small.Decode([id]));
                var turn = new[] { "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>" };
                Assert.Equal(["<|begin_of_text|>", .. turn, .. turn, .. turn, .. turn, .. turn, .. turn[..2]], controls);
                Assert.Equal(prompt.Text, small.Decode(prompt.Encode(small)));
            }
        }, iter: 300);
    }

    [Fact]
    public void ToolsAreComposedIntoOneSystemMessage()
    {
        var tool = AIFunctionFactory.CreateDeclaration("f", "Does it", System.Text.Json.JsonElement.Parse("""{"type":"object","properties":{"x":{"type":"string","description":"what"}},"required":["x"]}"""));
        var text = ChatFormat.Render([new(ChatRole.System, "Be brief."), new(ChatRole.User, "Go")], In(ChatStyle.Meta) with { Tools = [tool] }).Text;
        Assert.StartsWith("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nYou are an expert in composing functions.", text);
        Assert.Contains("        \"name\": \"f\",\n        \"description\": \"Does it\",\n", text);
        Assert.Contains("\"required\": [\"x\"],\n", text);
        Assert.Contains("]\nBe brief.<|eot_id|>", text);
        text = ChatFormat.Render([new(ChatRole.User, "Go")], In(ChatStyle.HuggingFace32) with { Tools = [tool] }).Text;
        Assert.Contains("{\n    \"type\": \"function\",\n    \"function\": {\n        \"name\": \"f\",\n        \"description\": \"Does it\",\n", text);
        Assert.EndsWith("}\n\nGo<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", text);
        Assert.Throws<CriaException>(() => ChatFormat.Render([new(ChatRole.System, "Go")], In(ChatStyle.HuggingFace32) with { Tools = [tool] }));
    }

    [Fact]
    public void EveryResultIsAMessageOfItsOwn()
    {
        ChatMessage together = new(ChatRole.Tool, [new FunctionResultContent("a", "one"), new FunctionResultContent("b", 2)]);
        ChatMessage[] apart = [new(ChatRole.Tool, [new FunctionResultContent("a", "one")]), new(ChatRole.Tool, [new FunctionResultContent("b", 2)])];
        foreach (var style in Styles)
            Assert.Equal(ChatFormat.Render(apart, In(style)).Text, ChatFormat.Render([together], In(style)).Text);
    }

    [Fact]
    public void BuiltinToolsAndCodeAreWrittenAsMetaDoes()
    {
        var options = In(ChatStyle.Meta) with { SystemPrompt = SystemPrompt.Llama31, BuiltinTools = ["code_interpreter", "brave_search"] };
        var call = new FunctionCallContent("c", "code_interpreter", new Dictionary<string, object?> { ["code"] = "print(1)" });
        var reply = new ChatMessage(ChatRole.Assistant, [call]) { AdditionalProperties = new() { [ChatFormat.StopReason] = "end_of_message" } };
        Assert.Equal("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nEnvironment: ipython\nTools: brave_search\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n<|python_tag|>print(1)<|eom_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            ChatFormat.Render([reply], options).Text);
    }

    [Fact]
    public void StyleFollowsTheModelsTemplate()
    {
        using var model = TestModels.Write(new TestShape { WithTokenizer = true });
        var tokenizer = Cria.Formats.ModelTokenizer.Load(model.Path);
        Assert.Equal(new ChatFormatOptions(), ChatFormat.OfModel(model.Path, tokenizer));
        File.WriteAllText(model.File("chat_template.jinja"), "{{ tools_in_user_message }} Cutting Knowledge Date: December 2023 {{ strftime_now }}");
        Assert.Equal(ChatStyle.HuggingFace32, ChatFormat.OfModel(model.Path, tokenizer).Style);
        File.WriteAllText(model.File("chat_template.jinja"), "{{ messages[0].content }}!");
        Assert.Equal("Hi!", ChatFormat.Render([new(ChatRole.User, "Hi")], ChatFormat.OfModel(model.Path, tokenizer)).Text);
        File.WriteAllText(model.File("chat_template.jinja"), "{% include 'x' %}");
        Assert.Throws<CriaException>(() => ChatFormat.OfModel(model.Path, tokenizer));
    }

    [Fact]
    public void AGgufFileIsAskedAsItsTemplatesSay()
    {
        using var model = TestModels.Write(new TestShape { WithTokenizer = true });
        List<ChatMessage> dialogue = [new(ChatRole.User, "Hi <|eot_id|>")];
        ChatFormatOptions Of(string template, string? toolUse = null)
        {
            File.WriteAllText(model.File("tokenizer_config.json"), JsonSerializer.Serialize(new { chat_template = new[] { new { name = "default", template }, new { name = "tool_use", template = toolUse ?? template } } }));
            GgufConversion.Write(model.Path, model.File("model.gguf"), QuantizationRecipe.Find("f32"), 1, cancellation: TestContext.Current.CancellationToken);
            var (directory, file) = (ChatFormat.OfModel(model.Path, Cria.Formats.ModelTokenizer.Load(model.Path)), ChatFormat.OfModel(model.File("model.gguf"), Cria.Formats.ModelTokenizer.Load(model.File("model.gguf"))));
            foreach (var tools in new IReadOnlyList<AIFunctionDeclaration>?[] { null, [AIFunctionFactory.Create((int x) => x, "f")] })
                Assert.Equal(ChatFormat.Render(dialogue, directory with { Tools = tools, Date = "1 May 2025" }).Parts, ChatFormat.Render(dialogue, file with { Tools = tools, Date = "1 May 2025" }).Parts);
            return file;
        }
        foreach (var (template, style) in new[] { ("llama-3.2-instruct", ChatStyle.HuggingFace32), ("llama-3.1-instruct", ChatStyle.HuggingFace31) })
            Assert.Equal(new ChatFormatOptions { Style = style }, Of(File.ReadAllText(TestFiles.Golden("templates", $"{template}.chat_template.jinja"))));
        var format = Of("{{ messages[0].content }}!", "{{ tools[0].function.name }}?");
        Assert.Equal("Hi <|eot_id|>!", ChatFormat.Render(dialogue, format).Text);
        Assert.DoesNotContain(ChatFormat.Render(dialogue, format).Parts, p => p.IsControl);
        Assert.Equal("f?", ChatFormat.Render(dialogue, format with { Tools = [AIFunctionFactory.Create((int x) => x, "f")] }).Text);
        HuggingFaceConversion.Write(model.File("model.gguf"), model.File("again"), null, 1, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal("f?", ChatFormat.Render(dialogue, ChatFormat.OfModel(model.File("again"), Cria.Formats.ModelTokenizer.Load(model.File("again"))) with { Tools = [AIFunctionFactory.Create((int x) => x, "f")] }).Text);
        using var client = CriaChatClient.Load(model.File("model.gguf"));
        Assert.Equal("f?", client.Render(dialogue, new() { Tools = [AIFunctionFactory.Create((int x) => x, "f")] }).Text);
        Assert.Contains("1", Assert.Throws<CriaException>(() => Of("{% include 'x' %}")).Message);
    }

    [Fact]
    public void RepliesAreMarkedForTraining()
    {
        foreach (var style in Styles)
        {
            var prompt = ChatFormat.Render([new(ChatRole.User, "Hi"), new(ChatRole.Assistant, "Hello"), new(ChatRole.User, "Bye")], In(style));
            Assert.Equal("Hello<|eot_id|>", string.Concat(prompt.Parts.Where(p => p.IsReply).Select(p => p.Text)).Trim());
        }
    }
}
