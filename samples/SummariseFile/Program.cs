// The key facts of a text file, as they are written.
using Cria.Chat;
using Microsoft.Extensions.AI;

using IChatClient client = CriaChatClient.Load(args.FirstOrDefault() ?? "pocket");

var text = await File.ReadAllTextAsync(args.ElementAtOrDefault(1) ?? Path.Combine(AppContext.BaseDirectory, "thread.txt"));
await foreach (var update in client.GetStreamingResponseAsync($"Summarise this thread:\n{text}", new() { Temperature = 0 }))
    Console.Write(update.Text);
Console.WriteLine();
