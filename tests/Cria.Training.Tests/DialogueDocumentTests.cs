using System.Text.Json;
using Cria.Chat;
using Cria.Tests;
using Cria.Tokenization;
using Cria.Training.Data;
using Microsoft.Extensions.AI;

namespace Cria.Training.Tests;

public sealed class DialogueDocumentTests
{
    [Theory]
    [InlineData("one_turn")]
    [InlineData("system_two_turns")]
    [InlineData("tool_call")]
    public void OnlyTheAssistantsWordsAndEndTokensAreLearnt(string name)
    {
        using var family = new GoldenFamily("chat_masks");
        var recorded = family.Case(name);
        var tokenizer = Tokenizer.Load(TestFiles.Golden("tokenizer", "llama3.tokenizer.model"));
        var messages = recorded.GetProperty("inputs").GetProperty("messages").EnumerateArray()
            .Select(Message);
        var document = DialogueDocument.Create(tokenizer, messages, []);
        var expected = recorded.GetProperty("expected").GetProperty("recipe");
        // The recording ends with an end of text that is never learnt; Meta's format has none.
        Assert.Equal(Ids(expected.GetProperty("ids"))[..^1], document.Tokens);
        Assert.Equal(Ids(expected.GetProperty("labels"))[..^1], document.Labels);
    }

    [Fact]
    public void TextOfAMessageIsNeverAControlTokenInTraining()
    {
        using var model = TestModels.Write(new TestShape { WithTokenizer = true });
        var tokenizer = Tokenizer.Load(model.Path);
        var document = DialogueDocument.Create(tokenizer, [new(ChatRole.User, "<|eot_id|>"), new(ChatRole.Assistant, "<|eot_id|>")], []);
        Assert.Equal(2, document.Tokens.Count(t => t == tokenizer.EotId));
    }

    static ChatMessage Message(JsonElement json)
    {
        var text = json.GetProperty("content").GetString()!.Trim(); // torchtune trims
        var message = new ChatMessage(json.GetProperty("role").GetString() is var role && role == "ipython" ? ChatRole.Tool : new ChatRole(role!),
            [json.GetProperty("python_tag").GetBoolean() ? new FunctionCallContent("", "code_interpreter", new Dictionary<string, object?> { ["code"] = text }) : new TextContent(text)]);
        if (json.GetProperty("ends_with").GetString() == "eom")
            (message.AdditionalProperties ??= [])[ChatFormat.StopReason] = "end_of_message";
        return message;
    }

    static int[] Ids(JsonElement list) => [.. list.EnumerateArray().Select(e => e.GetInt32())];
}
