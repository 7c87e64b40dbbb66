// A web service that streams answers as server-sent events: GET /chat?question=...
using System.Runtime.CompilerServices;
using Cria.Chat;
using Microsoft.Extensions.AI;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddCria(builder.Configuration["model"] ?? "pocket").UseLogging();
var app = builder.Build();

app.MapGet("/chat", (string question, IChatClient client, CancellationToken cancellation) =>
    TypedResults.ServerSentEvents(AnswerAsync(client, question, cancellation)));

app.Run();

// A client that leaves cancels its answer, and the memory of the conversation comes back.
static async IAsyncEnumerable<string> AnswerAsync(IChatClient client, string question, [EnumeratorCancellation] CancellationToken cancellation)
{
    await foreach (var update in client.GetStreamingResponseAsync(question, cancellationToken: cancellation))
        if (update.Text.Length > 0)
            yield return update.Text;
}
