// Questions about a folder of notes: the note that is nearest to the question is found by its embedding, and the model answers from it.
using System.Numerics.Tensors;
using Cria.Chat;
using Microsoft.Extensions.AI;

using var client = CriaChatClient.Load(args.FirstOrDefault() ?? "pocket");
using var embeddings = new CriaEmbeddingGenerator(client); // over the weights of the client

var notes = Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "notes")).Select(file => File.ReadAllText(file).Trim());
var index = await embeddings.GenerateAndZipAsync(notes);

foreach (var question in args.Length > 1 ? args[1..] : ["Who lives in Lima?", "Who has a lamp?"])
{
    var wanted = await embeddings.GenerateVectorAsync(question);
    var nearest = index.MaxBy(note => TensorPrimitives.Dot(note.Embedding.Vector.Span, wanted.Span)); // all have length 1
    Console.WriteLine(question);
    Console.WriteLine(await client.GetResponseAsync($"Note: {nearest.Value}\nQuestion: {question}", new() { Temperature = 0 }));
}
