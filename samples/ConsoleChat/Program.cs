// A conversation at the terminal; an empty line ends it.
using Cria.Chat;
using Microsoft.Extensions.AI;

using IChatClient client = CriaChatClient.Load(args.FirstOrDefault() ?? "pocket");
List<ChatMessage> dialogue = [];

while (Ask() is { Length: > 0 } question)
{
    dialogue.Add(new(ChatRole.User, question));
    List<ChatResponseUpdate> answer = [];
    await foreach (var update in client.GetStreamingResponseAsync(dialogue))
    {
        Console.Write(update.Text);
        answer.Add(update);
    }
    Console.WriteLine();
    dialogue.AddMessages(answer);
}

static string? Ask()
{
    Console.Write("> ");
    return Console.ReadLine();
}
