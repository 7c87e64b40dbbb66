using System.CommandLine;
using Cria.Training.Recipes;

namespace Cria.Training;

static class Program
{
    static RootCommand CreateRoot() => new("Trains Llama 3.2 models.")
    {
        PocketRecipe.Create(),
        PretrainRecipe.Create(),
        SftRecipe.Create(),
    };

    internal static async Task<int> Main(string[] args)
    {
        NativeHeap.KeepFreedMemory();
        try
        {
            var result = CreateRoot().Parse(args);
            if (result.Errors.Count > 0)
            {
                var words = result.Errors.Select(e => string.Join(' ', e.Message.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries)));
                Console.Error.WriteLine("cria-train: " + string.Join(" ", words)); // the parser's own messages may have several lines
                return 2;
            }
            return await result.InvokeAsync(new() { EnableDefaultExceptionHandler = false });
        }
        catch (Exception e) when (e is CriaException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine("cria-train: " + e.Message.ReplaceLineEndings(" "));
            return 1;
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
    }
}
