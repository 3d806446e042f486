"""`fnrun local deploy`: a folder of code becomes a function on the local stack.

source      what the user has written: the folder, its handler, its environment
package     the zip that Lambda gets
emulator    the role and the Lambda function, made or updated in place
registry    the compute function and the trigger of the same name
"""
