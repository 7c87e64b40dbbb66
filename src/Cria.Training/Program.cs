using System.CommandLine;

namespace Cria.Training;

static class Program
{
    static int Main(string[] args)
    {
        var root = new RootCommand("Trains Llama 3.2 models.");
        return root.Parse(args).Invoke();
    }
}
