using Cria.Chat;
using Cria.Tokenization;
using Microsoft.Extensions.AI;

namespace Cria.Training.Data;

/// <summary>A dialogue in Meta's prompt format as a document of which the assistant's words and the tokens that end them are learnt, not its header (training spec 4).</summary>
static class DialogueDocument
{
    public static TrainingDocument Create(Tokenizer tokenizer, IEnumerable<ChatMessage> messages, IReadOnlyList<AIFunctionDeclaration> tools)
    {
        var prompt = ChatFormat.Render(messages, new ChatFormatOptions { Tools = tools, AddGenerationPrompt = false });
        var (tokens, learnt) = (new List<int>(), new List<bool>());
        foreach (var part in prompt.Parts)
        {
            var ids = Prompt.Encode(tokenizer, part);
            tokens.AddRange(ids);
            learnt.AddRange(Enumerable.Repeat(part.IsReply, ids.Length));
        }
        return TrainingDocument.Of([.. tokens], i => learnt[i]);
    }
}
