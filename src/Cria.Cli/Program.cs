using System.CommandLine;
using System.Text;
using Cria.Cli.Commands;

namespace Cria.Cli;

static class Program
{
    /// <summary>The verbs, one file each in Commands/.</summary>
    static RootCommand CreateRoot() => new("Llama 3.2 on this machine.")
    {
        InspectCommand.Create(),
        TokenizeCommand.Create(),
        DetokenizeCommand.Create(),
        LogitsCommand.Create(),
        RenderCommand.Create(),
        ToolCallsCommand.Create(),
        GenerateCommand.Create(),
        ChatCommand.Create(),
        BenchCommand.Create(),
        EvalCommand.Create(),
    };

    internal static async Task<int> Main(string[] args)
    {
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        try
        {
            var result = CreateRoot().Parse(args);
            if (result.Errors.Count > 0)
            {
                foreach (var error in result.Errors)
                    Console.Error.WriteLine("cria: " + error.Message);
                return 2;
            }
            return await result.InvokeAsync(new() { EnableDefaultExceptionHandler = false });
        }
        catch (Exception e) when (e is CriaException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine("cria: " + e.Message.ReplaceLineEndings(" "));
            return 1;
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
    }
}
