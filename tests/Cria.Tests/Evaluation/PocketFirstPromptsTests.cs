using Cria.Chat;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Evaluation;

/// <summary>What people type first at the embedded model, picked by hand, greedily answered.</summary>
public sealed class PocketFirstPromptsTests
{
    const string Self = "pocket", Hello = "What can I do for you", Skills = "summarise", Larger = "cria chat --model", Unknown = "do not know", Welcome = "welcome", Languages = "German", Bye = "Come back";

    static readonly (string Prompt, string Says)[] First =
    [
        ("Who are you?", Self), ("who are you", Self), ("What are you?", Self), ("What is your name?", Self), ("Tell me about yourself.", Self), ("Are you ChatGPT?", Self), ("Are you human?", Self),
        ("How big are you?", Self), ("Who made you?", Self), ("What is this?", Self), ("Introduce yourself", Self), ("Which model is this?", Self), ("are you real", Self), ("How many parameters do you have?", Self),
        ("hi", Hello), ("Hi!", Hello), ("Hello", Hello), ("hello there", Hello), ("Hey", Hello), ("Good morning", Hello), ("Good evening!", Hello), ("hi there", Hello),
        ("What can you do?", Skills), ("what can you do", Skills), ("help", Skills), ("Help me", Skills), ("How can you help me?", Skills), ("What can I ask you?", Skills), ("Show me what you can do.", Skills),
        ("How do I run Llama 3.2 1B?", Larger), ("How can I use a larger model?", Larger), ("Can I run Llama 3.2 3B?", Larger), ("I want a better model", Larger),
        ("What is the capital of France?", Unknown), ("Who is the president of the United States?", Unknown), ("Tell me a joke", Unknown), ("Write a poem", Unknown), ("What is the weather like?", Unknown),
        ("What is the meaning of life?", Unknown), ("Explain quantum physics", Unknown), ("Who won the world cup?", Unknown), ("What time is it?", Unknown),
        ("thanks", Welcome), ("Thank you!", Welcome), ("Thanks a lot", Welcome), ("bye", Bye), ("Goodbye!", Bye), ("See you later", Bye),
        ("What languages do you speak?", Languages), ("Which languages do you know?", Languages),
        ("How are you?", "only a program"), ("how are you today", "only a program"), ("Hallo", "Was kann ich"), ("Bonjour", "Que puis-je"), ("¡Hola!", "ayudar"), ("ok", "All right"),
    ];

    /// <summary>The committed model has two: "are you real" and "How are you?".</summary>
    const int AllowedMistakes = 3;

    [Fact]
    public async Task TheEmbeddedModelAnswersWhatANewcomerTypesFirst()
    {
        using var client = CriaChatClient.Load(ModelLocator.Default);
        var replies = await Task.WhenAll(First.Select(async p =>
            (p.Prompt, p.Says, Reply: (await client.GetResponseAsync(p.Prompt, new ChatOptions { Temperature = 0, MaxOutputTokens = 80 }, TestContext.Current.CancellationToken)).Text)));
        var wrong = replies.Where(r => !r.Reply.Contains(r.Says, StringComparison.Ordinal)).Select(r => $"{r.Prompt} -> {r.Reply}").ToList();
        Assert.True(wrong.Count <= AllowedMistakes, string.Join('\n', wrong));
        Assert.DoesNotContain(wrong, w => w.StartsWith("Who are you?", StringComparison.Ordinal)); // the README's example
    }
}
