using Cria.Chat;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Docs;

/// <summary>The README's example, for the compiler.</summary>
static class ReadmeExample
{
    internal static async Task Run()
    {
        using IChatClient client = CriaChatClient.Load("pocket"); // or the directory of a Llama 3.2 model
        Console.WriteLine(await client.GetResponseAsync("Who are you?"));
    }
}
